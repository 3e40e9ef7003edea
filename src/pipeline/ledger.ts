// What a pipeline has finished, so that the same command goes on where it stopped and does nothing twice.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeFileAtomic } from '../common/atomic.js';
import { SphereFaceError, UsageError } from '../common/errors.js';

/** The ledger's file in the pipeline's folder. */
export const ledgerFile = 'pipeline.json';

interface Entry {
  readonly settings: unknown;
  readonly result: unknown;
}

/** A finished stage's result, and whether it was found finished. */
export interface StageOutcome<T> {
  readonly result: T;
  readonly found: boolean;
}

/** The record of finished stages in a folder. Settings and results are plain JSON. */
export class Ledger {
  private constructor(
    private readonly folder: string,
    private readonly entries: Map<string, Entry>,
  ) {}

  /** Opens the ledger of `folder`, which is made if it is not there. */
  static async open(folder: string): Promise<Ledger> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, ledgerFile);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    return new Ledger(folder, text === undefined ? new Map() : parseLedger(text, path));
  }

  /**
   * The result of a stage: as recorded if it was finished with these settings, else that of `work`, which is recorded.
   * @throws UsageError if the stage was finished with other settings: what follows from it would not fit.
   */
  async stage<T>(name: string, settings: object, work: () => Promise<T>): Promise<StageOutcome<T>> {
    const plain = asJson(settings);
    const entry = this.entries.get(name);
    if (entry !== undefined) {
      if (isDeepStrictEqual(entry.settings, plain)) return { result: entry.result as T, found: true };
      throw new UsageError(`${this.folder} holds the stage "${name}" of a run with other settings.`, {
        got: JSON.stringify(plain),
        expected: JSON.stringify(entry.settings),
        next: 'give another folder with -o, or delete this one to start afresh',
      });
    }
    const result = asJson(await work()) as T;
    this.entries.set(name, { settings: plain, result });
    await this.write();
    return { result, found: false };
  }

  /** Makes stages unfinished again, so that they are done anew. */
  async forget(...names: readonly string[]): Promise<void> {
    for (const name of names) this.entries.delete(name);
    await this.write();
  }

  private async write(): Promise<void> {
    const stages = Object.fromEntries(this.entries);
    await writeFileAtomic(join(this.folder, ledgerFile), `${JSON.stringify({ version: 1, stages }, null, 2)}\n`);
  }
}

function parseLedger(text: string, path: string): Map<string, Entry> {
  try {
    const { version, stages } = JSON.parse(text) as { version?: unknown; stages?: Record<string, Entry> };
    if (version === 1 && typeof stages === 'object') return new Map(Object.entries(stages));
  } catch {
    // Reported below: for the reader it makes no difference why the file cannot be understood.
  }
  throw new SphereFaceError(`${path} is no record of a pipeline of this version.`, {
    next: 'give another folder with -o, or delete this one to start afresh',
  });
}

/** What a value becomes when it is stored and read again, so that comparisons hold across runs. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
