// log.jsonl: a line of JSON per displayed iteration, appended as the run goes on and cut back to the checkpoint when it resumes.
import { appendFile, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../common/atomic.js';
import type { MarginColumn } from '../losses/index.js';

/** What margins add to a line, by the columns that their descriptors name; null where a column does not apply. */
export type MarginColumns = Readonly<Record<MarginColumn, number | null>>;

/** One line of log.jsonl. Means are over the steps since the line before; numbers in units of the loss unless said otherwise. */
export interface LogLine extends MarginColumns {
  readonly iteration: number;
  /** Everything that is minimised. */
  readonly loss: number;
  /** Each term as it enters the loss: `classification`, `energy`, `hiddenEnergy`. */
  readonly terms: Readonly<Record<string, number>>;
  /** Share of the batch whose own classifier is the nearest. */
  readonly accuracy: number;
  /** Mean length of the embeddings. */
  readonly featureNorm: number;
  /** Smallest and mean angle between classifiers, degrees. */
  readonly minimumAngle: number;
  readonly meanAngle: number;
  /** The energy itself, without its weight; null when the recipe has none. */
  readonly energy: number | null;
  /** The weight that the energy had. */
  readonly energyWeight: number | null;
  /** Norm of each term's gradient on the classifier, as weighted, and of the whole gradient. */
  readonly gradientNorms: Readonly<Record<string, number>>;
  /**
   * On people held out, where this iteration was measured: share of the pairs decided rightly by the best threshold, true-accept rate at
   * a false-accept rate of 1 %, area under the ROC.
   */
  readonly validationAccuracy: number | null;
  readonly validationTar: number | null;
  readonly validationAuc: number | null;
  readonly learningRate: number;
  /** By how much gradients are longer while they are in half precision; null where nothing is. */
  readonly lossScale: number | null;
  readonly epoch: number;
  readonly imagesPerSecond: number;
  /** Share of the time that the step waited for data. */
  readonly waiting: number;
  /** Seconds that a step took each rank, in their order, without waiting for others: one number for a process by itself. */
  readonly rankSeconds: readonly number[];
}

export class TrainingLog {
  constructor(private readonly path: string) {}

  async append(line: LogLine): Promise<void> {
    await appendFile(this.path, `${JSON.stringify(line)}\n`);
  }

  /** Whether anything was logged. */
  async hasLines(): Promise<boolean> {
    return (await readFile(this.path, 'utf8').catch(() => '')).trim() !== '';
  }

  /** The lines so far, without one that is only half written. */
  async lines(): Promise<LogLine[]> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => parsed(line) ?? []);
  }

  /** Drops lines after `iteration` and a last line that a kill cut off. */
  async cutBack(iteration: number): Promise<void> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    const kept = text.split('\n').filter((line) => (parsed(line)?.iteration ?? Infinity) <= iteration);
    await writeFileAtomic(this.path, kept.map((line) => `${line}\n`).join(''));
  }
}

/** A line, or nothing for text that is no JSON: an empty end, or a line that a kill cut off. */
function parsed(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
