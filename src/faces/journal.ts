// What an interrupted run leaves behind so that the next one goes on: a line per finished photo, in order.
import { type FileHandle, open, readFile, rm, truncate } from 'node:fs/promises';

/** The first line: a run goes on only where it is equal to the new run's. */
export type JournalHeader = Readonly<Record<string, unknown>>;

/** An append-only file of JSON lines. A line that was cut off by a crash is dropped when the file is opened again. */
export class Journal<Entry extends object> {
  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    /** The header found, or the one given when the journal is new. */
    readonly header: JournalHeader,
    /** The entries of earlier runs. */
    readonly entries: readonly Entry[],
    /** Length of the file up to and with the header, the first entry, … */
    private readonly lengths: readonly number[],
  ) {}

  /** Opens the journal, or begins one with `header`. */
  static async open<Entry extends object>(path: string, header: JournalHeader): Promise<Journal<Entry>> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const lines = whole.split('\n').slice(0, -1);
    const parsed: (JournalHeader | Entry)[] = [];
    const lengths: number[] = [];
    let length = 0;
    for (const line of lines) {
      const value = parseLine(line);
      if (value === undefined) break;
      parsed.push(value as JournalHeader | Entry);
      length += Buffer.byteLength(line) + 1;
      lengths.push(length);
    }
    if (text !== '') await truncate(path, length);
    const handle = await open(path, 'a');
    const [found, ...entries] = parsed;
    if (found === undefined) await handle.appendFile(`${JSON.stringify(header)}\n`);
    return new Journal(path, handle, (found as JournalHeader | undefined) ?? header, entries as Entry[], lengths);
  }

  /** Forgets all but the first `count` entries of earlier runs. Call it before anything is appended. */
  async keep(count: number): Promise<void> {
    if (count < this.entries.length) await this.handle.truncate(this.lengths[count]);
  }

  async append(entry: Entry): Promise<void> {
    await this.handle.appendFile(`${JSON.stringify(entry)}\n`);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** Closes the journal and removes it: the work is finished. */
  async finish(): Promise<void> {
    await this.handle.close();
    await rm(this.path, { force: true });
  }
}

function parseLine(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
