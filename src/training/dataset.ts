// Labelled images as training sees them: identities numbered in the order of their names, small ones left out.
import { SphereFaceError } from '../common/errors.js';
import { compareNames, normaliseName } from '../common/names.js';
import type { ImageSource } from '../images/source.js';

export interface Dataset {
  /** The images that are used. */
  readonly source: ImageSource;
  /** Class of each image of `source`. */
  readonly labels: readonly number[];
  /** Name of each class, Unicode NFC. */
  readonly identities: readonly string[];
  /** Identities left out because they have too few images. */
  readonly leftOut: number;
}

/** How classes and images are ordered. */
export interface DatasetOrder {
  /** The names of the classes in the order of a classifier's rows; all identities in the order of `compareNames` by default. */
  readonly classes?: readonly string[];
  /**
   * `path`: by path, so that a folder, a zip and a list of the same images are the same data to the sampler (the default).
   * `source`: as the source has them, which is what version 0.1 did.
   */
  readonly images?: 'path' | 'source';
}

/**
 * Numbers the identities of a source.
 * @param minimumImages identities with fewer are left out.
 * @throws SphereFaceError when fewer than two identities remain, as there is nothing to tell apart, or when they are not those of
 *   `order.classes`.
 */
export function datasetOf(source: ImageSource, minimumImages: number, order: DatasetOrder = {}): Dataset {
  const names = source.entries.map(({ identity }) => normaliseName(identity));
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const found = [...counts.keys()].filter((name) => name !== '' && counts.get(name)! >= minimumImages);
  if (found.length < 2) {
    throw new SphereFaceError('There are too few identities to train on.', {
      got: `${found.length} with at least ${minimumImages} images, of ${counts.size} in all`,
      expected: 'at least 2',
      next: 'give a folder (or a zip of one) with a folder for each identity, or lower data.minimumImages',
    });
  }
  const identities = order.classes ?? found.sort(compareNames);
  const classOf = new Map(identities.map((name, index) => [name, index]));
  if (order.classes !== undefined) assertSameNames(found, classOf);

  const used = names.flatMap((name, index) => (classOf.has(name) ? [index] : []));
  if (order.images !== 'source') {
    const paths = relativePaths(source);
    used.sort((a, b) => (paths[a] < paths[b] ? -1 : paths[a] > paths[b] ? 1 : a - b));
  }
  return {
    source: {
      entries: used.map((index) => source.entries[index]),
      read: (index) => source.read(used[index]),
      dispose: () => source.dispose(),
      [Symbol.asyncDispose]: () => source.dispose(),
    },
    labels: used.map((index) => classOf.get(names[index])!),
    identities,
    leftOut: counts.size - identities.length,
  };
}

/**
 * The images' paths, Unicode NFC, without the folders that all of them share: `person/01.png` for a folder, for a zip of it and for a
 * list of it, wherever they lie.
 */
export function relativePaths({ entries }: Pick<ImageSource, 'entries'>): string[] {
  const paths = entries.map(({ file }) => normaliseName(file.replaceAll('\\', '/')));
  let shared = paths[0]?.slice(0, paths[0].lastIndexOf('/') + 1) ?? '';
  for (const path of paths) {
    while (!path.startsWith(shared)) shared = shared.slice(0, shared.slice(0, -1).lastIndexOf('/') + 1);
  }
  return paths.map((path) => path.slice(shared.length));
}

function assertSameNames(found: readonly string[], classOf: ReadonlyMap<string, number>): void {
  const present = new Set(found);
  const some = (names: readonly string[]): string =>
    `${names.slice(0, 5).join(', ')}${names.length > 5 ? `, … (${names.length})` : ''}`;
  const added = found.filter((name) => !classOf.has(name));
  const missing = [...classOf.keys()].filter((name) => !present.has(name));
  if (added.length === 0 && missing.length === 0) return;
  throw new SphereFaceError('The people of the data are not those of the classifier.', {
    got: [
      ...(added.length === 0 ? [] : [`new: ${some(added)}`]),
      ...(missing.length === 0 ? [] : [`missing: ${some(missing)}`]),
    ].join('; '),
    expected: `the ${classOf.size} identities that the classifier has rows for`,
    next: 'give the same data, or start a new run with --init: rows are matched by name',
  });
}
