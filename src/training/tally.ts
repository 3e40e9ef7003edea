// Sums over the steps since the last log line, and the line that their means make.
import type { ClassifierAngles } from './geometry.js';
import type { LogLine, MarginColumns } from './log.js';
import type { MeasureName } from './step-graph.js';
import type { Measurement } from './validation-state.js';

/** What a line says besides means: of its last step, or of the time since the line before. */
export interface LineContext {
  readonly iteration: number;
  readonly learningRate: number;
  readonly lossScale: number | null;
  readonly epoch: number;
  readonly angles: ClassifierAngles;
  /** What the margin adds, by column; null where a column does not apply. */
  readonly columns: MarginColumns;
  /** On people held out, if the last step was followed by a measurement. */
  readonly measurement: Measurement | undefined;
  readonly imagesPerStep: number;
  /** Seconds that a step took each rank, without waiting for others. */
  readonly rankSeconds: readonly number[];
  /** Seconds waited for data since the trainer began. */
  readonly waited: number;
}

export class Tally {
  private readonly started = performance.now();
  private steps = 0;
  /** Of the steps that were applied. */
  private gradientNorms = 0;
  private applied = 0;
  private seconds = 0;
  private readonly sums = new Map<MeasureName, number>();

  /** @param waitedBefore seconds that the trainer has waited for data so far. */
  constructor(private readonly waitedBefore: number) {}

  /**
   * Counts a step: its measures, the norm of its whole gradient, `undefined` where that overflowed and the step was left out, and the
   * seconds that it took without waiting for other ranks.
   */
  add(measures: ReadonlyMap<MeasureName, number>, gradientNorm: number | undefined, seconds: number): void {
    this.steps++;
    if (gradientNorm !== undefined) {
      this.applied++;
      this.gradientNorms += gradientNorm;
    }
    this.seconds += seconds;
    for (const [name, value] of measures) this.sums.set(name, (this.sums.get(name) ?? 0) + value);
  }

  /** Mean seconds of a step, without waiting for other ranks. */
  get secondsPerStep(): number {
    return this.seconds / this.steps;
  }

  /** The line of the steps counted, of which there is at least one. */
  line({
    iteration,
    learningRate,
    lossScale,
    epoch,
    angles,
    columns,
    measurement,
    imagesPerStep,
    rankSeconds,
    waited,
  }: LineContext): LogLine {
    const { steps } = this;
    const mean = (name: MeasureName) => {
      const total = this.sums.get(name);
      return total === undefined ? undefined : total / steps;
    };
    const seconds = (performance.now() - this.started) / 1000;
    return {
      iteration,
      loss: mean('loss')!,
      terms: present({
        classification: mean('classification'),
        energy: mean('energyTerm'),
        hiddenEnergy: mean('hiddenEnergyTerm'),
      }),
      ...columns,
      accuracy: mean('accuracy')!,
      featureNorm: mean('featureNorm')!,
      minimumAngle: angles.minimum,
      meanAngle: angles.mean,
      energy: mean('energy') ?? null,
      energyWeight: mean('energyWeight') ?? null,
      gradientNorms: present({
        total: this.applied === 0 ? undefined : this.gradientNorms / this.applied,
        classification: mean('classificationGradient'),
        energy: mean('energyGradient'),
      }),
      validationAccuracy: measurement?.accuracy ?? null,
      validationTar: measurement?.tar ?? null,
      validationAuc: measurement?.auc ?? null,
      learningRate,
      lossScale,
      epoch,
      imagesPerSecond: (steps * imagesPerStep) / seconds,
      waiting: (waited - this.waitedBefore) / seconds,
      rankSeconds,
    };
  }
}

function present(record: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
