// What a file of a folder or an archive is, where it is no image; and how much of what was passed over.
import { decoderOf } from './decoders/index.js';
import { fileKind, namedKind, pluralOf } from './file-kinds.js';
import { extensionOf, hasImageExtension } from './names.js';
import type { IgnoredFile } from './source.js';

/** What {@link IgnoredFile} says of hidden files and folders, and of those that systems leave behind. */
export const systemKind = 'hidden or system file';

/**
 * Whether a file is an image. A name with an image's extension is taken for one; of others the content decides.
 * @param head gives the first bytes, or nothing if they cannot be had; called only where the name does not tell
 * @returns `undefined` for an image, else what the file is
 */
export async function kindOfOther(
  file: string,
  head: () => Promise<Uint8Array | undefined>,
): Promise<string | undefined> {
  if (hasImageExtension(file)) return undefined;
  const named = namedKind(extensionOf(file));
  // Raw photos of cameras are TIFFs inside, with nothing but a preview that a decoder could show.
  if (named?.singular === 'camera raw photo') return named.singular;
  const bytes = await head();
  if (bytes === undefined) return named?.singular ?? 'other file';
  if (bytes.length === 0) return 'empty file';
  if (decoderOf(bytes) !== undefined) return undefined;
  return (fileKind(bytes) ?? named)?.singular ?? 'other file';
}

/** Files that were passed over, in words: `3 videos (.mp4, .mov), 1 PDF`; the most frequent first. */
export function describeIgnored(ignored: readonly IgnoredFile[]): string {
  return countIgnored(ignored)
    .map(({ kind, files, extensions }) => {
      const name = files === 1 ? kind : pluralOf(kind);
      const named = extensions.filter((extension) => extension.slice(1) !== kind.toLowerCase());
      return `${files} ${name}${named.length === 0 ? '' : ` (${named.join(', ')})`}`;
    })
    .join(', ');
}

/** How many files of a kind were passed over. */
export interface IgnoredCount {
  readonly kind: string;
  readonly files: number;
  /** The different ones among their names, sorted; none for hidden and system files. */
  readonly extensions: readonly string[];
}

/** Counts by kind, the most frequent first. */
export function countIgnored(ignored: readonly IgnoredFile[]): IgnoredCount[] {
  const kinds = new Map<string, { files: number; readonly extensions: Set<string> }>();
  for (const { file, kind } of ignored) {
    const count = kinds.get(kind) ?? { files: 0, extensions: new Set() };
    kinds.set(kind, count);
    count.files++;
    const extension = extensionOf(file);
    if (kind !== systemKind && extension !== '') count.extensions.add(extension);
  }
  return [...kinds]
    .map(([kind, { files, extensions }]) => ({ kind, files, extensions: [...extensions].sort() }))
    .sort((a, b) => b.files - a.files || (a.kind < b.kind ? -1 : 1));
}
