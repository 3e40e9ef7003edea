// Where fetched files are kept between runs, and how they get there whole or not at all.
import { mkdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';

/** The cache folder: `$XDG_CACHE_HOME/sphereface-plus`, by default under `~/.cache`. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment.XDG_CACHE_HOME;
  return join(base !== undefined && base.startsWith('/') ? base : join(homedir(), '.cache'), 'sphereface-plus');
}

/** The named files of a folder, or `undefined` unless all are there. @throws if one is larger than `maxBytes`. */
export async function readAll(
  folder: string,
  names: readonly string[],
  maxBytes: number,
): Promise<Uint8Array[] | undefined> {
  const files: Uint8Array[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || !found.isFile()) return undefined;
    if (found.size > maxBytes) throw new RangeError(`${path} has ${found.size} bytes; at most ${maxBytes} are read`);
    files.push(await readFile(path));
  }
  return files;
}

/** Puts files into a folder, each of them whole or not at all. */
export async function writeAll(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFileAtomic(join(folder, name), bytes);
}
