// Enrolling a folder of people: what is new or changed is embedded, what is gone is taken out, the rest is left alone.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../common/errors.js';
import { openImageSource } from '../../../images/index.js';
import type { Embedder } from '../embedder.js';
import type { Contents, GalleryPhoto, Stamp } from './contents.js';

export interface EnrollOptions {
  /** Called with the number of photos that are done, and of all. */
  readonly onProgress?: (done: number, total: number) => void;
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
}

/** An entry of the source as it was seen. */
interface Seen {
  readonly identity: string;
  readonly size: number | undefined;
  readonly modified: number | undefined;
}

/**
 * Makes the gallery's enrolled photos those of `people`; photos added singly stay.
 * @param redo embeds everything again: it was enrolled with other settings
 * @param atRest called from time to time when contents are consistent: the moment to save them
 */
export async function enrollPeople(
  contents: Contents,
  embedder: Embedder,
  people: string,
  { onProgress }: EnrollOptions,
  redo: boolean,
  atRest: () => Promise<void>,
): Promise<EnrollReport> {
  const source = await openImageSource(people);
  try {
    embedder.requireFit(source, people);
    const known = new Map<string, GalleryPhoto>();
    for (const photo of [...contents.photos, ...contents.problems]) {
      if (photo.stamp !== undefined) known.set(photo.file, photo);
    }
    const total = source.entries.length;
    const seen = new Map<string, Seen>();
    const wanted: number[] = [];
    const kept = new Map<string, Stamp>();
    const counts = { added: 0, changed: 0, removed: 0, unchanged: 0 };
    for (const [index, { file, identity: name }] of source.entries.entries()) {
      const identity = name.normalize('NFC');
      const found = source.kind === 'folder' ? await stat(join(people, file)).catch(() => undefined) : undefined;
      seen.set(file, { identity, size: found?.size, modified: found?.mtimeMs });
      const before = known.get(file);
      const same =
        redo || before?.identity !== identity ? undefined : await unchanged(before.stamp!, seen.get(file)!, index);
      if (same === undefined) {
        wanted.push(index);
        counts[before === undefined ? 'added' : 'changed']++;
      } else {
        kept.set(file, same);
        counts.unchanged++;
      }
    }

    const stays = ({ file, stamp }: GalleryPhoto): boolean => stamp === undefined || kept.has(file);
    for (const file of known.keys()) if (!seen.has(file)) counts.removed++;
    contents.filter(stays);
    contents.photos = contents.photos.map((photo) =>
      photo.stamp === undefined ? photo : { ...photo, stamp: kept.get(photo.file)! },
    );
    contents.problems = contents.problems.flatMap((problem) => {
      const stamp = problem.stamp === undefined ? undefined : kept.get(problem.file);
      return stamp === undefined ? [] : [{ ...problem, stamp }];
    });

    const digests = new Map<string, Pick<Stamp, 'size' | 'digest'>>();
    const read = async (index: number): Promise<Uint8Array> => {
      const bytes = await source.read(index);
      digests.set(source.entries[index]!.file, { size: bytes.length, digest: sha256(bytes) });
      return bytes;
    };
    let done = counts.unchanged;
    let nextRest = done + restAfter(done);
    onProgress?.(done, total);
    for await (const { file, embedding, error } of embedder.embedSource({ entries: source.entries, read }, wanted)) {
      const { identity, modified } = seen.get(file)!;
      const digest = digests.get(file);
      digests.delete(file);
      const stamp = digest === undefined ? undefined : { ...digest, modified };
      if (embedding === undefined) contents.problems.push({ identity, file, stamp, error });
      else if (identity === '') contents.problems.push({ identity, file, stamp, error: 'lies in no identity folder' });
      else contents.add({ identity, file, stamp: stamp! }, embedding);
      onProgress?.(++done, total);
      if (done >= nextRest) {
        await atRest();
        nextRest = done + restAfter(done);
      }
    }
    const refused = source.refused.map(({ file, reason }) => ({ file, error: reason }));
    return { ...counts, problems: [...contents.problems.map(({ file, error }) => ({ file, error })), ...refused] };

    /** The stamp of a file that is what it was; `undefined` for one that is not. */
    async function unchanged(before: Stamp, now: Seen, index: number): Promise<Stamp | undefined> {
      if (now.modified !== undefined && now.size === before.size && now.modified === before.modified) return before;
      const bytes = await source.read(index).catch((error: unknown) => messageOf(error));
      if (typeof bytes === 'string' || sha256(bytes) !== before.digest) return undefined;
      return { ...before, modified: now.modified };
    }
  } finally {
    await source.dispose();
  }
}

/** Photos between two saves: a quarter of what there is, so that all saves together cost no more than a few of the last one. */
function restAfter(done: number): number {
  return Math.max(1000, Math.floor(done / 4));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
