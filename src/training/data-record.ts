// Telling by content whether data are those that a run was started with, wherever they lie now: every name, and the bytes of a sample.
import { createHash } from 'node:crypto';
import { lineOf, SphereFaceError } from '../common/errors.js';
import { evenlySpread } from '../common/spread.js';
import { CropSizeError, decodeCrop } from '../images/decode.js';
import { type Dataset, relativePaths } from './labelled-images.js';
import type { Recipe } from './recipe.js';

/** What a run remembers of its data. */
export interface DataRecord {
  readonly images: number;
  /** The name of each class. */
  readonly identities: string[];
  /** SHA-256 over the identity and the relative path of every image. */
  readonly fingerprint: string;
  /** The first 64 bits of the SHA-256 of each sampled image; empty for one that could not be read. */
  readonly sample: string[];
}

/**
 * Images whose bytes are compared. A change in 1 % of a large set is met with a probability of 92 %, one in all of it for certain, and
 * half a million images cost no more than this many reads.
 */
const sampleSize = 256;

/** The record of a data set. Its sampled images are read. */
export async function recordData(dataset: Dataset): Promise<DataRecord> {
  return {
    images: dataset.labels.length,
    identities: [...dataset.identities],
    fingerprint: fingerprintOf(dataset),
    sample: await Promise.all(sampleOf(dataset).map((index) => digestOf(dataset, index))),
  };
}

/** @throws SphereFaceError when the data are not those of the record. */
export async function assertSameData(dataset: Dataset, record: DataRecord, path: string): Promise<void> {
  const found = await recordData(dataset);
  if (found.fingerprint !== record.fingerprint)
    throw otherNames(dataset, { images: record.images, identities: record.identities.length }, path);
  // An image that could not be read at one of the two times says nothing.
  const differing = sampleOf(dataset).filter(
    (_, i) => found.sample[i] !== '' && record.sample[i] !== '' && found.sample[i] !== record.sample[i],
  );
  if (differing.length === 0) return;
  throw new SphereFaceError('The images are not those that the run was started with, though their names are.', {
    got: `${differing.length} of ${found.sample.length} sampled images of ${path} with other bytes, such as ${dataset.source.entries[differing[0]].file}`,
    expected: 'the images that the run was started with',
    next: 'give those with --data, or start a new run from this one with --init',
  });
}

/** The error for data of other names or another number of images. */
export function otherNames(
  dataset: Dataset,
  expected: { readonly images: number; readonly identities: number },
  path: string,
): SphereFaceError {
  return new SphereFaceError('The data is not what the run was started with.', {
    got: `${dataset.labels.length} images of ${dataset.identities.length} identities in ${path}`,
    expected: `${expected.images} images of ${expected.identities} identities, with the same names`,
    next: 'restore the data, give its new place with --data, or start a new run from this one with --init',
  });
}

/**
 * Sees that some sampled image is a crop as the network takes it, so that wrong data are refused before anything is written.
 * @throws SphereFaceError when none is.
 */
export async function assertUsable(dataset: Dataset, { input, data: { fit } }: Recipe): Promise<void> {
  let first: { readonly file: string; readonly error: unknown } | undefined;
  for (const index of sampleOf(dataset)) {
    try {
      await decodeCrop(await dataset.source.read(index), input, fit);
      return;
    } catch (error) {
      first ??= { file: dataset.source.entries[index].file, error };
    }
  }
  throw new SphereFaceError('None of the images that were tried can be used.', {
    got: first === undefined ? 'no image' : `${first.file}: ${lineOf(first.error)}`,
    expected: `crops ${input.width} wide and ${input.height} high`,
    next: adviceOn(first?.error),
  });
}

/** A crop of another size wants another one; a file that is not there, or is damaged, does not. */
function adviceOn(error: unknown): string {
  if (error instanceof CropSizeError)
    return 'make crops of this size with sphereface prepare --size, or set input.width and input.height to those of the crops';
  const own = error instanceof SphereFaceError ? error.parts.next : undefined;
  return own ?? 'see that the files are there and can be read; in a list, paths are taken from the folder of the list';
}

function fingerprintOf({ source, labels, identities }: Dataset): string {
  const hash = createHash('sha256');
  for (const [index, path] of relativePaths(source).entries()) hash.update(`${identities[labels[index]]}\0${path}\n`);
  return hash.digest('hex');
}

/** Indices of the images whose bytes are looked at, spread evenly. */
function sampleOf({ labels: { length } }: Dataset): number[] {
  return evenlySpread(length, sampleSize);
}

async function digestOf({ source }: Dataset, index: number): Promise<string> {
  const bytes = await source.read(index).catch(() => undefined);
  return bytes === undefined ? '' : createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
