// Finding an image by the name that a list uses for it: pair files, galleries, training lists. Pure: it knows names alone.

/** What a name led to. */
export type Found =
  | { readonly kind: 'found'; readonly index: number }
  /** Several images could be meant; which, in the order of the files. */
  | { readonly kind: 'ambiguous'; readonly indices: readonly number[] }
  | { readonly kind: 'missing' };

/**
 * A lookup of names among `files`, the paths of a source's entries. From the strictest to the most tolerant, the first
 * reading of a name that any file answers to decides; if more than one file does, the name is ambiguous:
 * 1. the path itself, in either Unicode form (NFC), with either kind of slash;
 * 2. the file's path without its extension: LFW's `Name/Name_0001`, and `00.JPG` for the crop `00.JPG.jpg`;
 * 3. both without extension: the photo's `00.JPG` for the crop `00.jpg` or `00.png`;
 * 4. the same three whatever the case: Windows and macOS do not distinguish it;
 * 5. all of this without a folder around the source that the name begins with: `set/anna/1.jpg`, as `unzip -l` shows it.
 */
export class NameFinder {
  private readonly readings: readonly Reading[];

  /** @param around the folders that lie around the source: `set`, `backup/set` */
  constructor(
    files: readonly string[],
    private readonly around: readonly string[] = [],
  ) {
    const index = (of: (name: string) => string) => lazily(() => indexed(files, of));
    const byPath = index(normalised);
    const byStem = index(stemOf);
    const byFoldedPath = index(folded);
    const byFoldedStem = index((file) => folded(stemOf(file)));
    this.readings = [
      { of: normalised, files: byPath },
      { of: normalised, files: byStem },
      { of: stemOf, files: byStem },
      { of: folded, files: byFoldedPath },
      { of: folded, files: byFoldedStem },
      { of: (name) => folded(stemOf(name)), files: byFoldedStem },
    ];
  }

  /** The image that `name` means. */
  find(name: string): Found {
    const found = this.findInside(name);
    if (found.kind !== 'missing') return found;
    const path = normalised(name);
    for (const folder of this.around) {
      const prefix = `${normalised(folder)}/`;
      const inside = path.startsWith(prefix) ? this.findInside(path.slice(prefix.length)) : found;
      if (inside.kind !== 'missing') return inside;
    }
    return found;
  }

  private findInside(name: string): Found {
    for (const { of, files } of this.readings) {
      const found = files().get(of(name));
      if (typeof found === 'number') return { kind: 'found', index: found };
      if (found !== undefined) return { kind: 'ambiguous', indices: found };
    }
    return { kind: 'missing' };
  }
}

/** The files that answer to a key: mostly one. */
type Index = ReadonlyMap<string, number | number[]>;

/** One way to understand a name: its key, and the files by theirs. */
interface Reading {
  readonly of: (name: string) => string;
  readonly files: () => Index;
}

function indexed(files: readonly string[], of: (file: string) => string): Index {
  const map = new Map<string, number | number[]>();
  for (const [at, file] of files.entries()) {
    const key = of(file);
    const before = map.get(key);
    if (before === undefined) map.set(key, at);
    else if (typeof before === 'number') map.set(key, [before, at]);
    else before.push(at);
  }
  return map;
}

/** A value that is made when it is first asked for: of a million files, usually only the first index is needed. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** NFC, forward slashes, no `./` before. */
function normalised(name: string): string {
  return name
    .normalize('NFC')
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '');
}

/** The extensions of the kinds of image that are read: what else follows a dot is part of a name (`John.Smith`). */
const imageExtension = /(?<=[^/])\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif|hei[cf]|p[pgbn]m|bmp|dib|jp2|j2k)$/i;

/** A path without its image extension. */
function stemOf(path: string): string {
  return normalised(path).replace(imageExtension, '');
}

function folded(path: string): string {
  return normalised(path).toLowerCase();
}
