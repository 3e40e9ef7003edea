// Writing into one folder and nowhere else, each file whole or not at all.
import { randomBytes } from 'node:crypto';
import { mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { SphereFaceError } from '../common/errors.js';

/** Where files are while they are being written; left over only by an interrupted run, and emptied by the next. */
const partialFolder = '.partial';

/** A folder that files are put into by relative names; links that lead out of it are not followed. */
export class OutputFolder {
  private readonly checked = new Set<string>();

  private constructor(
    readonly path: string,
    private readonly real: string,
  ) {}

  /** Creates the folder if it is not there. */
  static async open(path: string): Promise<OutputFolder> {
    await mkdir(path, { recursive: true });
    return new OutputFolder(path, await realpath(path));
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
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.real, name);
    await this.check(dirname(path), name);
    const temporary = join(this.real, partialFolder, randomBytes(8).toString('hex'));
    try {
      await writeFile(temporary, bytes, { flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
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

function isInside(base: string, path: string): boolean {
  const way = relative(base, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !way.startsWith(sep));
}

function outside(name: string, folder: string): SphereFaceError {
  return new SphereFaceError('A file would have been written outside of the output folder.', {
    got: name,
    expected: `a place inside ${folder}`,
    next: 'look for links in the output folder, or choose a new one',
  });
}
