// Where each photo's crop goes: the photo's own path with the crop's extension, and never outside the output folder.
import { createHash } from 'node:crypto';
import type { ImageEntry } from '../images/source.js';
import { controlCharacter, unsafePath } from '../images/names.js';

/** `path`: crops lie as the photos do. `identity`: each in a folder of its identity, whatever the photos' folders. */
export type CropLayout = 'path' | 'identity';

export interface CropNaming {
  /** Of the crops, without a dot. */
  readonly extension: string;
  readonly layout: CropLayout;
}

export interface CropNameOptions extends CropNaming {
  /** Whether the output folder keeps `a.jpg` and `A.jpg` apart. */
  readonly caseSensitive: boolean;
}

/** Longest part of a path in bytes, for most file systems (sources refuse longer ones); the number of a further face has room. */
const longestPart = 255;
const roomForNumber = 6;

/**
 * The path of every entry's crop, relative to the output folder: the entry's path with another extension. The name of a photo
 * does not depend on which others there are, as far as that can be:
 *
 * - Photos that would share a name (`a.png` beside `a.jpg`) keep their extension before the crop's (`a.png.jpg`), except the
 *   one that has the crop's already; so does a photo whose name would be a folder's.
 * - Where upper and lower case are one, those that differ in case only get a digest of their path (`a~1b2c3d4e.jpg`).
 * - A name that would be too long for a file system is cut, and gets a digest of the whole.
 * - So does one with control characters (a tab, a line break), which become `_`.
 * - Lists with paths that are no safe relative ones give `identity/name`.
 * @returns per entry the path, or `undefined` where no safe one exists
 */
export function cropNames(
  entries: readonly ImageEntry[],
  { extension, layout, caseSensitive }: CropNameOptions,
): (string | undefined)[] {
  const fold = (path: string) => (caseSensitive ? path : path.normalize('NFC').toLowerCase());
  const paths = entries.map((entry) => {
    const path = pathOf(entry, layout);
    return path === undefined ? undefined : shortened(withoutControls(path));
  });
  const folders = new Set<string>();
  const sharing = new Map<string, number>();
  for (const path of paths) {
    if (path === undefined) continue;
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      folders.add(fold(path.slice(0, slash)));
    }
    const key = fold(plainName(path, extension));
    sharing.set(key, (sharing.get(key) ?? 0) + 1);
  }
  const taken = new Set<string>();
  return paths.map((path, index) => {
    if (path === undefined) return undefined;
    const plain = plainName(path, extension);
    const free = (sharing.get(fold(plain)) === 1 || plain === path) && !folders.has(fold(plain));
    let name = free ? plain : `${path}.${extension}`;
    if (taken.has(fold(name)) || folders.has(fold(name)))
      name = `${name.slice(0, -extension.length - 1)}~${digest(entries[index].file)}.${extension}`;
    taken.add(fold(name));
    return name;
  });
}

/** What an entry's crop is called where nothing stands against it. */
export function plainPath(entry: ImageEntry, { extension, layout }: CropNaming): string | undefined {
  const path = pathOf(entry, layout);
  return path === undefined ? undefined : plainName(path, extension);
}

/** The entry's path in the output folder, still with its own extension; `undefined` where no safe one exists. */
function pathOf({ file, identity }: ImageEntry, layout: CropLayout): string | undefined {
  if (layout === 'path' && isSafe(file)) return file;
  const path = `${identity}/${file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)}`;
  return isSafe(path) ? path : undefined;
}

function isSafe(path: string): boolean {
  return unsafePath(withoutControls(path)) === undefined;
}

/** The path without control characters: each part that had one is told from others by a digest. */
function withoutControls(path: string): string {
  if (!controlCharacter.test(path)) return path;
  const parts = path.split('/').map((part) => {
    if (!controlCharacter.test(part)) return part;
    const plain = Array.from(part, (character) => (controlCharacter.test(character) ? '_' : character)).join('');
    const extension = /\.[^.]{1,5}$/.exec(plain)?.[0] ?? '';
    return `${plain.slice(0, plain.length - extension.length)}~${digest(part)}${extension}`;
  });
  return parts.join('/');
}

function plainName(path: string, extension: string): string {
  return `${path.replace(/\.[^./]*$/, '')}.${extension}`;
}

/** The crop of a further face of a photo: `a~2.jpg` beside `a.jpg`. `taken` are the names of all photos' crops. */
export function furtherFaceName(name: string, number: number, taken: ReadonlySet<string>): string {
  const dot = name.lastIndexOf('.');
  let mark = '~';
  const build = () => `${name.slice(0, dot)}${mark}${number}${name.slice(dot)}`;
  while (taken.has(build())) mark += '~';
  return build();
}

/** The path, its last part cut where the crop's extension, on top of the photo's, would make it too long. */
function shortened(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  const name = path.slice(slash);
  const most = longestPart - roomForNumber - '.jpg'.length;
  if (Buffer.byteLength(name) <= most) return path;
  const mark = `~${digest(name)}${/\.[^.]{1,5}$/.exec(name)?.[0] ?? ''}`;
  let kept = name;
  while (Buffer.byteLength(kept) + Buffer.byteLength(mark) > most) kept = [...kept].slice(0, -1).join('');
  return `${path.slice(0, slash)}${kept}${mark}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
