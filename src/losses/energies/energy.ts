// What an energy is: one object that says its options and builds a term that acts on the classifier alone.
import type { z } from 'zod';
import type { Descriptor, Kind } from '../../common/registry.js';
import type { Value } from '../../graph/index.js';
import type { PairShare } from './riesz-pairs.js';
import type { EnergyWeight } from './weight-options.js';

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

/** What an energy of the batch's own rows is a function of. */
export interface BatchEnergyInputs {
  /** The rows of the batch's labels, [n, d], of any length. */
  readonly own: Value;
  /** int64 [n]: the labels. */
  readonly labels: Value;
  /** The mean of all rows, [1, d], each divided by its length; a constant to differentiation. */
  readonly mean: Value;
}

/** An energy of a classifier whose rows are divided among processes: a number, to be weighted, in one of two forms. */
export type DividedEnergy = { readonly weight: EnergyWeight } & (
  | {
      /** A mean over pairs. Each process takes the pairs of the visitors with its own rows, and their shares are added up. */
      readonly form: 'pairs';
      /** Who visits: the rows of the batch's labels, or all rows, in blocks. The pairs of all with all are differentiated once each way. */
      readonly visitors: 'batch' | 'all';
      readonly share: (inputs: PairShare) => Value;
    }
  | {
      /** A function of the batch's own rows and the mean row. `value` is logged, `loss` is what gives the gradient. */
      readonly form: 'batch';
      readonly build: (inputs: BatchEnergyInputs) => { readonly value: Value; readonly loss: Value };
    }
);

/** An energy. One of your own goes to `Trainer.create`, `startRun` and `parseRecipe` among the extensions. */
export interface EnergyDescriptor<S extends z.ZodObject = z.ZodObject> extends Descriptor {
  /** In a line: what it measures. */
  readonly summary: string;
  /** A strict object of `form` and the options, each with a description and, where there is one, its default. */
  readonly schema: S;
  build(inputs: EnergyInputs, options: z.output<S>): WeightedEnergy;
  /** The same energy where no process has all rows. One without it needs the whole classifier (`solver.classifier: dense`). */
  divided?(options: z.output<S>): DividedEnergy;
}
