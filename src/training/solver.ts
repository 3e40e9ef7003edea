// What a trainer asks of the part that holds the state, computes a step and applies it. There are three: one with the whole classifier in
// every process (dense-solver.ts), one with its rows divided among them (sharded/sharded-solver.ts), and one whose state stays in a
// device's memory (device/device-solver.ts).
import type { Communicator } from '../distributed/index.js';
import type { Target } from '../graph/index.js';
import type { ScheduledScalar } from '../losses/index.js';
import { type ParameterSpec, type ParameterValues, type SgdScalars, sgdUpdate } from '../nn/index.js';
import type { Device, MeasureOptions } from '../runtime/index.js';
import type { Components, Extensions } from './extensions.js';
import type { BatchImages } from './batch-images.js';
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
  /** For multipliers of 1. */
  readonly learningRate: number;
  /** Gives this process's images of each of its passes. */
  readonly next: () => Promise<Batch>;
}

/** What a step gave, the same in every process but for the seconds. */
export interface SolvedStep extends Pick<StepOutcome, 'measures' | 'seconds'> {
  /** Norm of each parameter's gradient, by name; of a divided classifier's, over all of its rows. */
  readonly norms: ReadonlyMap<string, number>;
  /** Moves parameters, momentum and statistics to where the step leads: at most once, and before the next step. */
  apply(): void;
}

/** How far an update goes: rate and decay for multipliers of 1. */
export interface UpdateScalars extends SgdScalars {
  /** The backbone's learning rate relative to the classifier's. */
  readonly backboneRate: number;
}

export interface Solver extends AsyncDisposable {
  /** All parameters, in the order of the network. */
  readonly specs: readonly ParameterSpec[];
  /** Which rows of the classifier are here. */
  readonly rows: RowRange;
  /** Numbers that the margin wants at every step. */
  readonly scalars: readonly ScheduledScalar[];
  /** Of each step, what this process computes. */
  readonly share: StepShare;
  /** Which device computes, in words. */
  readonly device: string;
  /** Room for this process's images of a pass, in the form that its steps take. */
  newImages(): BatchImages;
  /**
   * Parameters and momentum in this process's memory, as they are now; of a divided classifier, the rows of this process. What the next
   * step changes may show in them, and what is written into them is {@link changeState}'s to take up.
   */
  state(): Promise<ParameterStore>;
  /** Changes the state outside of a step. */
  changeState(change: (store: ParameterStore) => void): Promise<void>;
  /** Computes a step over all processes. The state stays as it is until the step is applied, and for good where it is not. */
  solve(inputs: StepInputs): Promise<SolvedStep>;
  /** The angles between the classifier's rows; of a divided one that is large, between a sample of them. */
  angles(): Promise<ClassifierAngles>;
}

/** What a solver is made for. */
export interface SolverOptions extends Pick<MeasureOptions, 'forms' | 'onMeasuring'> {
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

/** The length of the whole gradient. */
export function gradientNorm(norms: SolvedStep['norms']): number {
  return Math.hypot(...norms.values());
}

/** How far a step goes that has gradients of these norms. */
export function updateScalars(
  { momentum, weightDecay, clipNorm, backboneRate }: Recipe['solver'],
  learningRate: number,
  norms: SolvedStep['norms'],
): UpdateScalars {
  const norm = gradientNorm(norms);
  const gradientScale = clipNorm !== null && norm > clipNorm ? clipNorm / norm : 1;
  return { learningRate, momentum, decay: weightDecay, gradientScale, backboneRate };
}

/** Moves the parameters of a store's groups along their gradients. */
export function updateGroups({ groups }: ParameterStore, scalars: UpdateScalars): void {
  const shares = { backbone: scalars.backboneRate, classifier: 1 };
  for (const { part, values, momentum, gradients, learningRateMultiplier, decayMultiplier } of groups) {
    const learningRate = scalars.learningRate * shares[part] * learningRateMultiplier;
    const decay = scalars.decay * decayMultiplier;
    sgdUpdate(values, momentum, gradients, { ...scalars, learningRate, decay });
  }
}

/** Puts the statistics that a step gave in the place of those before. */
export function keepStatistics({ values }: ParameterStore, statistics: StepOutcome['statistics']): void {
  for (const [name, data] of statistics) values.get(name)!.set(data);
}
