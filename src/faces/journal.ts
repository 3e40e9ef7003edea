// What a run leaves behind so that a later one goes on: a header, and a line per finished photo, appended as it is finished.
import { type FileHandle, open, readFile, truncate } from 'node:fs/promises';
import { writeFileAtomic } from '../common/atomic.js';
import { writing } from '../common/writing.js';

/** The first line: what decides the results of all others. */
export type JournalHeader = Readonly<Record<string, unknown>>;

/** A file of JSON lines. A line that was cut off by a crash is dropped when the file is opened again. */
export class Journal<Entry extends object> {
  private handle: FileHandle | undefined;

  private constructor(
    private readonly path: string,
    /** The header found; `undefined` when there is no journal yet. */
    readonly found: JournalHeader | undefined,
    /** The entries of earlier runs, in the order they were appended. */
    readonly entries: readonly Entry[],
    /** Bytes of the whole lines. */
    private readonly length: number,
    private readonly header: JournalHeader,
  ) {}

  /** Reads the journal, if there is one. Nothing is written before the first {@link append}. */
  static async open<Entry extends object>(path: string, header: JournalHeader): Promise<Journal<Entry>> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const lines = text.split('\n').slice(0, -1);
    const parsed: object[] = [];
    let length = 0;
    for (const line of lines) {
      const value = parseLine(line);
      if (value === undefined) break;
      parsed.push(value);
      length += Buffer.byteLength(line) + 1;
    }
    const [found, ...entries] = parsed;
    return new Journal(path, found as JournalHeader | undefined, entries as Entry[], length, header);
  }

  async append(entry: Entry): Promise<void> {
    const handle = await this.opened();
    await writing(this.path, () => handle.appendFile(`${JSON.stringify(entry)}\n`));
  }

  /** Replaces everything, at once or not at all. Nothing can be appended afterwards. */
  async rewrite(entries: Iterable<Entry>): Promise<void> {
    await this.dispose();
    const lines = [this.header, ...entries].map((line) => `${JSON.stringify(line)}\n`);
    await writeFileAtomic(this.path, lines.join(''));
  }

  async dispose(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async opened(): Promise<FileHandle> {
    if (this.handle !== undefined) return this.handle;
    this.handle = await open(this.path, 'a');
    if ((await this.handle.stat()).size !== this.length) await truncate(this.path, this.length);
    if (this.found === undefined) await this.handle.appendFile(`${JSON.stringify(this.header)}\n`);
    return this.handle;
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
