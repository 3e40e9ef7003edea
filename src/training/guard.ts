// Watches a run and stops it when it has gone wrong: not finite, all probabilities underflowed, exploding, or no better than chance for long.
import { z } from 'zod';
import { SphereFaceError } from '../common/errors.js';
import type { Recipe } from './recipe.js';

export const guardStateSchema = z.strictObject({
  /** Exponential average of the classification loss; null before the first step. */
  smoothedLoss: z.number().nullable(),
  /** Steps in a row with the smoothed loss above chance. */
  aboveChance: z.int().nonnegative(),
});
export type GuardState = z.output<typeof guardStateSchema>;

/** What the guard is shown at each step. */
export interface StepReport {
  /** Optimizer steps done, this one included. */
  readonly iteration: number;
  readonly loss: number;
  readonly classificationLoss: number;
  /** Scheduled numbers of the margin, by the symbol that messages call them. */
  readonly scalars: ReadonlyMap<string, number>;
  readonly featureNorm: number;
  readonly learningRate: number;
  /** Norm of each parameter's gradient, by name. */
  readonly gradientNorms: ReadonlyMap<string, number>;
}

/** The kinds of trouble. */
export type AnomalyKind = 'not-finite' | 'underflow' | 'explosion' | 'above-chance';

/** A run that was stopped by its guard. */
export class TrainingAnomaly extends SphereFaceError {
  constructor(
    readonly kind: AnomalyKind,
    readonly report: StepReport,
    what: string,
    got: string,
    next: string,
  ) {
    super(what, { got: `${got}; ${circumstances(report)}`, next });
  }
}

/** −ln of the smallest normal float32: the cross-entropy of a probability that has underflowed, the famous 87.33. */
export const underflowLoss = -Math.log(2 ** -126);

/** Share of the past in the smoothed loss. */
const smoothing = 0.98;

/** What is to be learned, as far as the guard goes by it. */
export interface Learnable {
  /** What it is computed in. */
  readonly precision: Recipe['solver']['precision'];
  /** The loss of a classifier that knows nothing: ln(identities) for softmax. */
  readonly chance: number;
  /** What makes it easier to learn from the start, as advice. */
  readonly easing: readonly string[];
}

export class Guard {
  private current: GuardState;

  constructor(
    private readonly limits: Recipe['guard'],
    private readonly about: Learnable,
    state: GuardState = { smoothedLoss: null, aboveChance: 0 },
  ) {
    this.current = state;
  }

  get state(): GuardState {
    return this.current;
  }

  /**
   * Checks one step, before its gradient is applied.
   * @throws TrainingAnomaly
   */
  check(report: StepReport): void {
    const { loss, classificationLoss } = report;
    const bad = [...report.gradientNorms].find(([, norm]) => !Number.isFinite(norm));
    if (!Number.isFinite(loss) || bad !== undefined) {
      throw new TrainingAnomaly(
        'not-finite',
        report,
        'Training stopped: a value is not finite.',
        bad === undefined ? `loss ${loss}` : `gradient of ${bad[0]} has norm ${bad[1]}, loss ${loss}`,
        `resume from the last checkpoint with a lower rate (--set solver.baseLearningRate=…) or clipping (--set solver.clipNorm=5)${this.inHalf}`,
      );
    }
    if (classificationLoss >= underflowLoss) {
      throw new TrainingAnomaly(
        'underflow',
        report,
        'Training stopped: the probability of the right identity has underflowed for the whole batch.',
        `loss ${classificationLoss.toFixed(2)}, at least ${underflowLoss.toFixed(2)} = −ln(smallest float)`,
        this.advise('lower the learning rate'),
      );
    }
    const before = this.current.smoothedLoss;
    const smoothedLoss =
      before === null ? classificationLoss : smoothing * before + (1 - smoothing) * classificationLoss;
    const aboveChance = smoothedLoss > this.about.chance ? this.current.aboveChance + 1 : 0;
    this.current = { smoothedLoss, aboveChance };
    if (smoothedLoss > this.limits.explosion * this.about.chance) {
      throw new TrainingAnomaly(
        'explosion',
        report,
        'Training stopped: the loss has exploded.',
        `smoothed loss ${smoothedLoss.toFixed(2)}, chance is ${this.about.chance.toFixed(2)}`,
        'lower the learning rate, clip gradients (solver.clipNorm), or lower the energy weight',
      );
    }
    if (this.limits.aboveChance !== null && aboveChance >= this.limits.aboveChance) {
      throw new TrainingAnomaly(
        'above-chance',
        report,
        `Training stopped: the loss has been above chance for ${aboveChance} steps.`,
        `smoothed loss ${smoothedLoss.toFixed(2)}, chance is ${this.about.chance.toFixed(2)}`,
        this.advise('lower the learning rate, or warm it up (solver.warmUp.iterations)'),
      );
    }
  }

  private get inHalf(): string {
    return this.about.precision === 'float16'
      ? '; or train in float32 (--set solver.precision=float32): in half precision nothing is larger than 65,504'
      : '';
  }

  private advise(first: string): string {
    return [first, ...this.about.easing].join('; or ');
  }
}

function circumstances({ iteration, scalars, featureNorm, learningRate }: StepReport): string {
  const scheduled = [...scalars].map(([symbol, value]) => `${symbol} ${value.toPrecision(4)}, `).join('');
  return `iteration ${iteration}, ${scheduled}mean feature norm ${featureNorm.toPrecision(4)}, learning rate ${learningRate.toPrecision(3)}`;
}
