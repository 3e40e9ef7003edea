// What an energy is: one object that says its options and builds a term that acts on the classifier alone.
import type { z } from 'zod';
import type { Descriptor, Kind } from '../../common/registry.js';
import type { Value } from '../../graph/index.js';

/** A recipe's `loss.energy` is told apart by its `form`. */
export const energyKind: Kind = { name: 'energy', key: 'form' };

export interface EnergyInputs {
  /** [classes, d], rows of any length. */
  readonly classifier: Value;
  /** int64 [n]: the batch's labels. */
  readonly labels: Value;
  /** `[classes, d]`: the classification loss's gradient, which a weight may be measured by. */
  readonly classificationGradient: Value;
}

/** An energy as it enters the loss. It does not reach the backbone. */
export interface WeightedEnergy {
  /** The energy by itself, and the weight it has: single numbers, for the log. */
  readonly energy: Value;
  readonly weight: Value;
  /** What is added to the loss, a single number, and its gradient [classes, d]. */
  readonly term: Value;
  readonly gradient: Value;
}

/** An energy. One of your own goes to `Trainer.create`, `startRun` and `parseRecipe` among the extensions. */
export interface EnergyDescriptor<S extends z.ZodObject = z.ZodObject> extends Descriptor {
  /** In a line: what it measures. */
  readonly summary: string;
  /** A strict object of `form` and the options, each with a description and, where there is one, its default. */
  readonly schema: S;
  build(inputs: EnergyInputs, options: z.output<S>): WeightedEnergy;
}
