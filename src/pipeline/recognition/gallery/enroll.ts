// Enrolling a folder of people: what is new or changed is embedded, what is gone is taken out, the rest is left alone.
import { digestOf } from '../../../common/digest.js';
import { UsageError } from '../../../common/errors.js';
import { normaliseName } from '../../../common/names.js';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { foldersByName } from '../../../faces/index.js';
import { type OpenedSource, openImageSource } from '../../../images/index.js';
import type { Embedder } from '../embedder.js';
import type { Contents, GalleryPhoto, Stamp } from './contents.js';

export interface EnrollOptions {
  /** Called with the number of photos that are done, and of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** How a gallery has its folder enrolled. */
export interface Enrolling extends EnrollOptions {
  /** `all` embeds everything again: it was enrolled with other settings. */
  readonly embed: 'all' | 'changes';
  /** Called from time to time when contents are consistent: the moment to save them. */
  readonly atRest: () => Promise<void>;
}

/** What enrolling did, in photos. */
export interface EnrollReport {
  readonly added: number;
  readonly changed: number;
  /** Photos that are no longer in the folder. */
  readonly removed: number;
  readonly unchanged: number;
  /** Photos of the folder without an embedding, those of earlier times included, and why. */
  readonly problems: readonly { readonly file: string; readonly error: string }[];
  /** What is odd about the folder as a whole, and files in it that are no images. */
  readonly warnings: OpenedSource['warnings'];
  readonly ignored: OpenedSource['ignored'];
}

/**
 * Makes the gallery's enrolled photos those of `people`; photos added singly stay.
 * @throws UsageError where no photo lies in a person's folder
 */
export async function enrollPeople(
  contents: Contents,
  embedder: Embedder,
  people: string,
  { onProgress, embed, atRest }: Enrolling,
): Promise<EnrollReport> {
  const source = await openImageSource(people);
  try {
    embedder.requireFit(source, people);
    const [first] = source.entries;
    if (first !== undefined && source.entries.every(({ identity }) => identity === '')) {
      throw new UsageError(`No photo of ${people} lies in a person's folder.`, {
        got: `${source.entries.length} photos, for instance ${first.file}`,
        expected: 'a folder for each person: PEOPLE/person/photo.jpg',
        next: `give the folder above, or where names say who it is make the folders: ${foldersByName}`,
      });
    }
    const changes = await compare(contents, source, people, embed);
    takeOut(contents, changes);

    const digests = new Map<string, Pick<Stamp, 'size' | 'digest'>>();
    const read = async (index: number): Promise<Uint8Array> => {
      const bytes = await source.read(index);
      digests.set(source.entries[index]!.file, { size: bytes.length, digest: digestOf(bytes) });
      return bytes;
    };
    const total = source.entries.length;
    let done = changes.kept.size;
    let nextRest = done + restAfter(done);
    onProgress?.(done, total);
    const { entries } = source;
    for await (const { file, embedding, error } of embedder.embedSource({ entries, read }, changes.wanted)) {
      const { identity, modified } = changes.seen.get(file)!;
      const digest = digests.get(file);
      digests.delete(file);
      const stamp = digest === undefined ? undefined : { ...digest, modified };
      if (embedding === undefined) contents.problems.push({ identity, file, stamp, error });
      else if (identity === '') contents.problems.push({ identity, file, stamp, error: 'lies in no identity folder' });
      else contents.add({ identity, file, stamp: stamp! }, embedding);
      onProgress?.(++done, total);
      if (done < nextRest) continue;
      await atRest();
      nextRest = done + restAfter(done);
    }
    const { added, changed, removed, kept } = changes;
    const problems = contents.problems.map(({ file, error }) => ({ file, error }));
    const refused = source.refused.map(({ file, reason }) => ({ file, error: reason }));
    const { warnings, ignored } = source;
    return { added, changed, removed, unchanged: kept.size, problems: [...problems, ...refused], warnings, ignored };
  } finally {
    await source.dispose();
  }
}

/** An entry of the source as it was seen. */
interface Seen {
  readonly identity: string;
  readonly size: number | undefined;
  readonly modified: number | undefined;
}

interface Changes {
  readonly seen: ReadonlyMap<string, Seen>;
  /** Entries of the source to embed. */
  readonly wanted: readonly number[];
  /** The files that are what they were, with their stamps of now. */
  readonly kept: ReadonlyMap<string, Stamp>;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** What is new, what changed, and what is gone, compared with what was enrolled from a folder before. */
async function compare(
  contents: Contents,
  source: OpenedSource,
  people: string,
  embed: Enrolling['embed'],
): Promise<Changes> {
  const known = new Map<string, GalleryPhoto>();
  for (const photo of [...contents.photos, ...contents.problems]) {
    if (photo.stamp !== undefined) known.set(photo.file, photo);
  }
  const seen = new Map<string, Seen>();
  const wanted: number[] = [];
  const kept = new Map<string, Stamp>();
  let added = 0;
  for (const [index, { file, identity: name }] of source.entries.entries()) {
    const identity = normaliseName(name);
    const found = source.kind === 'folder' ? await stat(join(people, file)).catch(() => undefined) : undefined;
    const now: Seen = { identity, size: found?.size, modified: found?.mtimeMs };
    seen.set(file, now);
    const before = known.get(file);
    if (before === undefined) added++;
    const same = embed === 'changes' && before?.identity === identity;
    const stamp = same ? await unchanged(before.stamp!, now, () => source.read(index)) : undefined;
    if (stamp === undefined) wanted.push(index);
    else kept.set(file, stamp);
  }
  const removed = [...known.keys()].reduce((sum, file) => sum + Number(!seen.has(file)), 0);
  return { seen, wanted, kept, added, changed: wanted.length - added, removed };
}

/** The stamp of a file that is what it was; `undefined` for one that is not, or that cannot be read now. */
async function unchanged(before: Stamp, now: Seen, read: () => Promise<Uint8Array>): Promise<Stamp | undefined> {
  if (now.modified !== undefined && now.size === before.size && now.modified === before.modified) return before;
  const bytes = await read().catch(() => undefined);
  return bytes !== undefined && digestOf(bytes) === before.digest ? { ...before, modified: now.modified } : undefined;
}

/** Takes out what is gone or will be embedded again, and notes the stamps of the rest. */
function takeOut(contents: Contents, { kept }: Changes): void {
  contents.filter(({ file, stamp }) => stamp === undefined || kept.has(file));
  contents.photos = contents.photos.map((photo) =>
    photo.stamp === undefined ? photo : { ...photo, stamp: kept.get(photo.file)! },
  );
  contents.problems = contents.problems.flatMap((problem) => {
    const stamp = problem.stamp === undefined ? undefined : kept.get(problem.file);
    return stamp === undefined ? [] : [{ ...problem, stamp }];
  });
}

/** Photos between two saves: a quarter of what there is, so that all saves together cost no more than a few of the last one. */
function restAfter(done: number): number {
  return Math.max(1000, Math.floor(done / 4));
}
