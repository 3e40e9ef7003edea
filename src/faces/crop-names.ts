// Where each photo's crop goes: the photo's own path with the crop's extension, and never outside the output folder.
import type { ImageEntry } from '../images/source.js';
import { unsafePath } from '../images/names.js';

/**
 * The path of every entry's crop, relative to the output folder: the entry's path with another extension. Photos that
 * would share a name (`a.png` beside `a.jpg`; also names that differ in case only) keep their own extension before it.
 * Lists with paths that are no safe relative ones give `identity/name`.
 * @returns per entry the path, or `undefined` where no safe one exists
 */
export function cropNames(entries: readonly ImageEntry[], extension: string): (string | undefined)[] {
  const paths = entries.map(({ file, identity }) => {
    if (unsafePath(file) === undefined) return file;
    const path = `${identity}/${file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)}`;
    return unsafePath(path) === undefined ? path : undefined;
  });
  const short = (path: string) => path.replace(/\.[^./]*$/, '');
  const count = new Map<string, number>();
  for (const path of paths) {
    if (path === undefined) continue;
    const key = short(path).toLowerCase();
    count.set(key, (count.get(key) ?? 0) + 1);
  }
  const taken = new Set<string>();
  return paths.map((path) => {
    if (path === undefined) return undefined;
    let name = count.get(short(path).toLowerCase()) === 1 ? short(path) : path;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${path}-${n}`;
    taken.add(name.toLowerCase());
    return `${name}.${extension}`;
  });
}
