// Labelled images as training sees them: identities numbered in the order of their names, small ones left out.
import { SphereFaceError } from '../common/errors.js';
import { compareNames, normaliseName } from '../common/names.js';
import { Random } from '../common/random.js';
import type { CropDecoder } from '../images/decode.js';
import type { JpegRoundTrip } from '../images/degradation.js';
import type { ImageSource } from '../images/source.js';
import type { DataSelection, DataSubset } from './recipe-sections.js';

export interface Dataset {
  /** The images that are used. */
  readonly source: ImageSource;
  /** Class of each image of `source`. */
  readonly labels: readonly number[];
  /** Name of each class, Unicode NFC. */
  readonly identities: readonly string[];
  /** Identities left out because they have too few images. */
  readonly leftOut: number;
  /** What makes a crop of what the source gives for an image. */
  readonly decode: CropDecoder;
  /** What `data.jpeg` of a recipe needs; absent where nothing encodes JPEG. */
  readonly jpeg?: JpegRoundTrip;
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

/** Everything that a source has. */
export const wholeSource: DataSelection = {
  minimumImages: 1,
  subset: { identities: null, maximumImages: null, scarce: null, seed: 1 },
};

/**
 * Numbers the identities of a source.
 * @param decode makes a crop of what the source gives for an image.
 * @param selection which identities and images are used.
 * @throws SphereFaceError when fewer than two identities remain, as there is nothing to tell apart, or when they are not those of
 *   `order.classes`.
 */
export function labelledImages(
  source: ImageSource,
  decode: CropDecoder,
  { minimumImages, subset }: DataSelection = wholeSource,
  order: DatasetOrder = {},
): Dataset {
  const names = source.entries.map(({ identity }) => normaliseName(identity));
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  // Images in nobody's folder are no identity.
  counts.delete('');
  const large = [...counts.keys()].filter((name) => counts.get(name)! >= minimumImages);
  const random = new Random(subset.seed, subsetStream);
  const found = drawn(large.sort(compareNames), subset.identities, random).sort(compareNames);
  if (found.length < 2) {
    throw new SphereFaceError('There are too few identities to train on.', {
      got: `${found.length} with at least ${minimumImages} images, of ${counts.size} in all`,
      expected: 'at least 2',
      next: 'give a folder (or a zip of one) with a folder for each identity, lower data.minimumImages, or raise data.subset.identities',
    });
  }
  const identities = order.classes ?? found;
  const classOf = new Map(identities.map((name, index) => [name, index]));
  if (order.classes !== undefined) assertSameNames(found, classOf);

  let used = names.flatMap((name, index) => (classOf.has(name) ? [index] : []));
  if (order.images !== 'source') {
    const paths = relativePaths(source);
    used.sort((a, b) => (paths[a] < paths[b] ? -1 : paths[a] > paths[b] ? 1 : a - b));
  }
  const limits = imageLimits(found, subset, random);
  if (limits.size > 0) used = fewerImages(used, names, limits, random);
  return {
    source: partOf(source, used),
    labels: used.map((index) => classOf.get(names[index])!),
    identities,
    leftOut: counts.size - large.length,
    decode,
  };
}

/** Some images of a source, in the order given; the source is disposed of with it. */
export function partOf(source: ImageSource, indices: readonly number[]): ImageSource {
  return {
    entries: indices.map((index) => source.entries[index]),
    read: (index) => source.read(indices[index]),
    dispose: () => source.dispose(),
    [Symbol.asyncDispose]: () => source.dispose(),
  };
}

/** The generator's stream for drawing a subset. */
const subsetStream = 3;

/** `count` of the items at random, in random order; all of them for null or when there are no more. */
function drawn<T>(items: readonly T[], count: number | null, random: Random): T[] {
  const shuffled = [...items];
  if (count === null || count >= shuffled.length) return shuffled;
  random.shuffle(shuffled);
  return shuffled.slice(0, count);
}

/** How many images of an identity may be used, where that is limited. */
function imageLimits(
  identities: readonly string[],
  { maximumImages, scarce }: DataSubset,
  random: Random,
): Map<string, number> {
  const limits = new Map<string, number>();
  if (maximumImages !== null) for (const name of identities) limits.set(name, maximumImages);
  if (scarce === null) return limits;
  for (const name of drawn(identities, Math.round(scarce.share * identities.length), random)) {
    limits.set(name, Math.min(scarce.images, limits.get(name) ?? Infinity));
  }
  return limits;
}

/** The images that are left of `used` within the limits, in the same order. */
function fewerImages(
  used: readonly number[],
  names: readonly string[],
  limits: ReadonlyMap<string, number>,
  random: Random,
): number[] {
  const ofEach = new Map<string, number[]>();
  for (const index of used) ofEach.set(names[index], [...(ofEach.get(names[index]) ?? []), index]);
  const kept = new Set(
    [...ofEach.keys()].sort(compareNames).flatMap((name) => drawn(ofEach.get(name)!, limits.get(name) ?? null, random)),
  );
  return used.filter((index) => kept.has(index));
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
