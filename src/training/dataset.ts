// Labelled images as training sees them: identities numbered in the order of their names, small ones left out, and a fingerprint.
import { createHash } from 'node:crypto';
import { SphereFaceError } from '../common/errors.js';
import type { ImageSource } from '../images/source.js';

export interface Dataset {
  /** The images that are used. */
  readonly source: ImageSource;
  /** Class of each image of `source`. */
  readonly labels: readonly number[];
  /** Name of each class. */
  readonly identities: readonly string[];
  /** Identities left out because they have too few images. */
  readonly leftOut: number;
  /** Changes whenever an image is added, removed, renamed or given to another identity. */
  readonly fingerprint: string;
}

/**
 * Numbers the identities of a source.
 * @param minimumImages identities with fewer are left out.
 * @throws SphereFaceError when fewer than two identities remain: there is nothing to tell apart.
 */
export function datasetOf(source: ImageSource, minimumImages: number): Dataset {
  const counts = new Map<string, number>();
  for (const { identity } of source.entries) counts.set(identity, (counts.get(identity) ?? 0) + 1);
  const identities = [...counts.keys()].filter((name) => name !== '' && counts.get(name)! >= minimumImages).sort();
  if (identities.length < 2) {
    throw new SphereFaceError('There are too few identities to train on.', {
      got: `${identities.length} with at least ${minimumImages} images, of ${counts.size} in all`,
      expected: 'at least 2',
      next: 'give a folder (or a zip of one) with a folder for each identity, or lower data.minimumImages',
    });
  }
  const classOf = new Map(identities.map((name, index) => [name, index]));
  const used = source.entries.flatMap(({ identity }, index) => (classOf.has(identity) ? [index] : []));
  const entries = used.map((index) => source.entries[index]);
  const hash = createHash('sha256');
  for (const { file, identity } of entries) hash.update(`${identity}\0${file}\n`);
  return {
    source: {
      entries,
      read: (index) => source.read(used[index]),
      dispose: () => source.dispose(),
      [Symbol.asyncDispose]: () => source.dispose(),
    },
    labels: entries.map(({ identity }) => classOf.get(identity)!),
    identities,
    leftOut: counts.size - identities.length,
    fingerprint: hash.digest('hex'),
  };
}
