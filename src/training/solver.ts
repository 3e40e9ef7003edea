// What a trainer asks of the part that computes a step's gradient and applies it. There are two: one with the whole classifier in every
// process (dense-solver.ts), one with its rows divided among them (sharded/sharded-solver.ts).
import type { Communicator } from '../distributed/index.js';
import type { Target } from '../graph/index.js';
import type { ScheduledScalar } from '../losses/index.js';
import { type ParameterValues, type SgdScalars, sgdUpdate } from '../nn/index.js';
import type { Device } from '../runtime/index.js';
import type { Components, Extensions } from './extensions.js';
import type { ClassifierAngles } from './geometry.js';
import type { Batch } from './loader.js';
import type { ParameterStore } from './parameter-store.js';
import type { Recipe } from './recipe.js';
import type { RowRange } from './row-range.js';
import type { StepOutcome } from './step-runner.js';
import type { StepShare } from './step-share.js';

/** What a step is computed from. */
export interface StepInputs {
  /** Optimizer steps done. */
  readonly done: number;
  /** The step's scheduled numbers, by name. */
  readonly scalars: ReadonlyMap<string, number>;
  /** Gives this process's images of each of its passes. */
  readonly next: () => Promise<Batch>;
}

/** What a step gave, the same in every process but for the seconds. */
export interface SolvedStep extends StepOutcome {
  /** Norm of each parameter's gradient, by name; of a divided classifier's, over all of its rows. */
  readonly norms: ReadonlyMap<string, number>;
}

/** How far an update goes: rate and decay for multipliers of 1. */
export interface UpdateScalars extends SgdScalars {
  /** The backbone's learning rate relative to the classifier's. */
  readonly backboneShare: number;
}

export interface Solver extends AsyncDisposable {
  /** Parameters and momentum. Of a divided classifier, the rows of this process. */
  readonly store: ParameterStore;
  /** Which rows of the classifier are here. */
  readonly rows: RowRange;
  /** Numbers that the margin wants at every step. */
  readonly scalars: readonly ScheduledScalar[];
  /** Of each step, what this process computes. */
  readonly share: StepShare;
  /** Which device computes, in words. */
  readonly device: string;
  /** Computes the gradient of a step over all processes. Parameters and statistics stay as they were. */
  gradient(inputs: StepInputs): Promise<SolvedStep>;
  /** Moves parameters and momentum along the gradient. */
  update(scalars: UpdateScalars): void;
  /** The angles between the classifier's rows; of a divided one that is large, between a sample of them. */
  angles(): Promise<ClassifierAngles>;
}

/** What a solver is made for. */
export interface SolverOptions {
  readonly recipe: Recipe;
  readonly identities: number;
  readonly components: Components;
  readonly communicator: Communicator;
  readonly target: Target;
  readonly frozen: ParameterValues;
  readonly extensions: Extensions;
  readonly device: Device | undefined;
  readonly threads: number | undefined;
  readonly profilePrefix: string | undefined;
}

/** Moves the parameters of a store's groups along their gradients. */
export function updateGroups({ groups }: ParameterStore, scalars: UpdateScalars): void {
  const shares = { backbone: scalars.backboneShare, classifier: 1 };
  for (const { part, values, momentum, gradients, learningRateMultiplier, decayMultiplier } of groups) {
    const learningRate = scalars.learningRate * shares[part] * learningRateMultiplier;
    const decay = scalars.decay * decayMultiplier;
    sgdUpdate(values, momentum, gradients, { ...scalars, learningRate, decay });
  }
}
