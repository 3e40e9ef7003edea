// What a margin is: one object that says its options, what it needs, and builds the classification loss.
import type { z } from 'zod';
import type { Descriptor, Kind } from '../../common/registry.js';
import type { Shape, Value } from '../../graph/index.js';
import type { ClassLoss } from '../class-loss.js';

/** A recipe's `loss.margin` is told apart by its `type`. */
export const marginKind: Kind = { name: 'margin', key: 'type' };

/** What every classification loss is a function of. */
export interface ClassifierInputs {
  /** `[n, d]`: the embeddings of a batch. */
  readonly features: Value;
  /** `[classes, d]`: a row per identity; of a classifier that is divided among processes, some of the rows. */
  readonly classifier: Value;
  /** int64 [n], 0 … classes − 1; −1 for an image whose row is not among those given. */
  readonly labels: Value;
}

/** The same with what the margin has asked for, by name. */
export interface MarginInputs extends ClassifierInputs {
  /** Single numbers of this step, for each of the margin's `scalars`. */
  readonly scalars: Readonly<Record<string, Value>>;
  /** Its own trained parameters, for each of the margin's `parameters`. */
  readonly parameters: Readonly<Record<string, Value>>;
}

/** A classification loss, and the scores by which the nearest classifier is found. */
export interface Classification {
  /** Mean over the batch. */
  readonly loss: Value;
  /** `[n, classes]`: scores without margin; in each row the largest is the nearest classifier's. */
  readonly scores: Value;
  /**
   * What the loss is made of, class by class. A margin without it needs the whole classifier in every process
   * (`solver.classifier: dense`).
   */
  readonly byClass?: ClassLoss;
}

/** A number that changes from step to step: an input of the step graph. */
export interface ScheduledScalar {
  readonly name: string;
  /** How messages call it: `λ`. */
  readonly symbol: string;
  /** @param step 1-based count of optimizer steps. */
  at(step: number): number;
}

/** A parameter that the margin trains besides the classifier. */
export interface MarginParameter {
  readonly name: string;
  readonly shape: Shape;
  /** What each of its values starts at. */
  readonly start: number;
  /** Factors on the base learning rate and on the weight decay. Default 1. */
  readonly learningRateMultiplier?: number;
  readonly decayMultiplier?: number;
}

/** A line of the table of margins. */
export interface MarginFormula {
  /** Which of its variants, where it has several. */
  readonly variant?: string;
  /** The logit at the label, and elsewhere. */
  readonly label: string;
  readonly others: string;
}

/** A margin. One of your own goes to `Trainer.create`, `startRun` and `parseRecipe` among the extensions. */
export interface MarginDescriptor<S extends z.ZodObject = z.ZodObject> extends Descriptor {
  /** A strict object of `type` and the options, each with a description and, where there is one, its default. */
  readonly schema: S;
  readonly formulas: readonly MarginFormula[];
  /** Whether features are divided by their length. */
  readonly features: 'unit' | 'as they are';
  /** Where it comes from. */
  readonly source: string;
  /** Whether it measures angles, so that the classifier's rows are kept on the unit sphere. */
  readonly unitClassifier: boolean;
  /** What it adds to a line of the log: a description of each column. */
  readonly columns?: Readonly<Record<string, string>>;
  /** What makes it easier to learn from the start, as advice where a run has gone wrong. */
  readonly easing?: string;

  scalars?(options: z.output<S>): readonly ScheduledScalar[];
  parameters?(options: z.output<S>, classes: number): readonly MarginParameter[];
  /** The values of its columns after a step; a column that does not apply is left out. */
  log?(options: z.output<S>, step: number): Readonly<Record<string, number>>;
  /**
   * The loss of a classifier that knows nothing, every cosine 0: what training starts at and must get below.
   * ln(classes) where no margin acts; more where one makes the target's score lower than the others'.
   */
  uninformedLoss(options: z.output<S>, classes: number): number;
  /** Builds the classification loss. */
  build(inputs: MarginInputs, options: z.output<S>): Classification;
}
