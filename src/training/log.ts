// log.jsonl: a line of JSON per displayed iteration, appended as the run goes on and cut back to the checkpoint when it resumes.
import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../common/atomic.js';
import { isRecord } from '../common/json.js';
import { writing } from '../common/writing.js';
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
    await writing(this.path, () => appendFile(this.path, `${JSON.stringify(line)}\n`));
  }

  /** Whether anything was logged. */
  async hasLines(): Promise<boolean> {
    return (await readFile(this.path, 'utf8').catch(() => '')).trim() !== '';
  }

  /**
   * The lines so far, without one that is only half written.
   * @param warn told of others that are no lines of a log; they are left out
   */
  async lines(warn: (text: string) => void = () => undefined): Promise<LogLine[]> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    const lines = text.split('\n');
    return lines.flatMap((line, index) => {
      const known = lineSchema.safeParse(valueOf(line));
      if (known.success) return known.data as unknown as LogLine;
      // What follows the last line break is empty, or what a kill cut off.
      if (index < lines.length - 1) warn(`line ${index + 1} of ${this.path} is none of a training log: left out`);
      return [];
    });
  }

  /** Drops lines after `iteration` and a last line that a kill cut off. */
  async cutBack(iteration: number): Promise<void> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    const kept = text.split('\n').filter((line) => (iterationOf(valueOf(line)) ?? Infinity) <= iteration);
    await writeFileAtomic(this.path, kept.map((line) => `${line}\n`).join(''));
  }
}

/** What every version has written, and every reader relies on; other columns came later. */
const lineSchema = z.looseObject({
  iteration: z.int().nonnegative(),
  loss: z.number(),
  terms: z.record(z.string(), z.number().nullable()),
  accuracy: z.number(),
  gradientNorms: z.record(z.string(), z.number().nullable()),
  epoch: z.number(),
  imagesPerSecond: z.number(),
});

/** The value of a line of JSON, or nothing for other text: an empty end, or a line that a kill cut off. */
function valueOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function iterationOf(value: unknown): number | undefined {
  return isRecord(value) && typeof value.iteration === 'number' ? value.iteration : undefined;
}
