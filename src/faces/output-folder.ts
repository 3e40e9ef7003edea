// Writing into one folder and nowhere else, each file whole or not at all.
import { randomBytes } from 'node:crypto';
import { mkdir, realpath, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { messageOf, SphereFaceError, UsageError } from '../common/errors.js';
import { writing } from '../common/writing.js';

/** Where files are while they are being written; left over only by an interrupted run, and emptied by the next. */
const partialFolder = '.partial';
/** What keeps every file from being written, not just one. */
const fatal = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']);

/** One file cannot be written; others can. */
export class UnwritableFileError extends SphereFaceError {}

/** A folder that files are put into by relative names; links that lead out of it are not followed. */
export class OutputFolder {
  private readonly checked = new Set<string>();

  private constructor(
    readonly path: string,
    private readonly real: string,
    /** Whether `a` and `A` are two files here. */
    readonly caseSensitive: boolean,
  ) {}

  /** Creates the folder if it is not there. @throws UsageError where that cannot be. */
  static async open(path: string): Promise<OutputFolder> {
    try {
      await mkdir(path, { recursive: true });
    } catch (cause) {
      throw new UsageError(`The output folder ${path} cannot be made.`, {
        got: messageOf(cause),
        expected: 'a folder, or a place where one can be made',
        cause,
      });
    }
    const real = await realpath(path);
    return new OutputFolder(path, real, await isCaseSensitive(real));
  }

  /** Gets ready to write, and clears away what an interrupted run left half-written. */
  async begin(): Promise<void> {
    await this.finish();
    await mkdir(join(this.real, partialFolder));
  }

  /** Removes what the writing needed. */
  async finish(): Promise<void> {
    await rm(join(this.real, partialFolder), { recursive: true, force: true });
  }

  /**
   * Writes a file under a temporary name and renames it. Not forced onto the disk: after a power cut the file may be short,
   * which is why {@link prepare} compares sizes when it goes on.
   * @throws UnwritableFileError for what is wrong with this file alone: a file where its folder should be, a link out of here.
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = join(this.real, partialFolder, randomBytes(8).toString('hex'));
    try {
      const path = join(this.real, name);
      await this.check(dirname(path), name);
      await writing(path, () => writeFile(temporary, bytes, { flag: 'wx' }));
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      const { code } = error as NodeJS.ErrnoException;
      // Without a code it is an error that names the file.
      if (code === undefined || fatal.has(code)) throw error;
      throw new UnwritableFileError(`the crop cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Size of a file in bytes; `undefined` when there is none. */
  async sizeOf(name: string): Promise<number | undefined> {
    const found = await stat(join(this.real, name)).catch(() => undefined);
    return found?.isFile() === true ? found.size : undefined;
  }

  /** Removes a file, and its folders as far as they are empty then. A link in its path is not followed. */
  async remove(name: string): Promise<void> {
    const path = join(this.real, name);
    const folder = await realpath(dirname(path)).catch(() => undefined);
    if (folder === undefined || !isInside(this.real, folder)) return;
    await rm(path, { force: true });
    for (let place = folder; place !== this.real; place = dirname(place)) {
      // Fails where something is left in it.
      if (
        !(await rmdir(place).then(
          () => true,
          () => false,
        ))
      )
        break;
      this.checked.delete(place);
    }
  }

  /** Makes the file's folder, and sees that it lies inside, also when a part of the path is a link. */
  private async check(folder: string, name: string): Promise<void> {
    if (this.checked.has(folder)) return;
    if (!isInside(this.real, folder)) throw outside(name, this.path);
    // Link by link from the top, so that nothing is created beyond one.
    let place = this.real;
    for (const part of relative(this.real, folder).split(sep).filter(Boolean)) {
      place = join(place, part);
      await mkdir(place).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      if ((await realpath(place)) !== place && !isInside(this.real, await realpath(place)))
        throw outside(name, this.path);
    }
    this.checked.add(folder);
  }
}

/** Whether the folder's own name means another file in the other case; by the system's habit where it has no letters. */
async function isCaseSensitive(folder: string): Promise<boolean> {
  const name = basename(folder);
  const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
  if (other === name) return process.platform !== 'darwin' && process.platform !== 'win32';
  const [one, two] = await Promise.all(
    [folder, join(dirname(folder), other)].map((path) => stat(path).catch(() => undefined)),
  );
  return one === undefined || two === undefined || one.ino !== two.ino || one.dev !== two.dev;
}

/** Whether `path` is `base` or lies in it. */
export function isInside(base: string, path: string): boolean {
  const way = relative(base, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

function outside(name: string, folder: string): UnwritableFileError {
  return new UnwritableFileError(`it would be written outside of the output folder ${folder}, through a link: ${name}`);
}
