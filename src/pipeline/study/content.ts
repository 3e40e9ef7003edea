// What data are, by content: digests that cells and judgements are known by, and the check that files still are what they were when
// the study was opened. Another command, or a hand, may have changed them since.
import { digestOf } from '../../common/digest.js';
import { SphereFaceError } from '../../common/errors.js';
import { evenlySpread } from '../../common/spread.js';
import { type OpenedSource, openImageSource } from '../../images/index.js';
import { relativePaths } from '../../training/labelled-images.js';
import type { EvaluationData } from '../evaluation-data.js';

/** Images whose bytes are looked at. */
const sampleSize = 64;

/** Digest of the names of a source's images, wherever it lies, and of the bytes of some. */
export async function keyOfImages(source: OpenedSource): Promise<string> {
  const paths = relativePaths(source);
  const order = [...paths.keys()].sort((a, b) => (paths[a] < paths[b] ? -1 : 1));
  const names = order.map((index) => `${source.entries[index].identity}\0${paths[index]}`);
  const sample = evenlySpread(order.length, sampleSize).map((place) => order[place]);
  const bytes = await Promise.all(sample.map(async (index) => digestOf(await source.read(index).catch(() => ''))));
  return digestOf(JSON.stringify([names, bytes]));
}

/** Digest of pairs, of their folds, and of their images. */
export async function keyOfPairs({ pairFile, source }: EvaluationData): Promise<string> {
  const lines = pairFile.pairs.map(({ a, b, same }) => [a, b, same]);
  return digestOf(JSON.stringify([lines, pairFile.fold ? [...pairFile.fold] : null, await keyOfImages(source)]));
}

/** @throws SphereFaceError when a cell would train on other data than its key says. */
export async function requireSameTraining({
  path,
  key,
}: {
  readonly path: string;
  readonly key: string;
}): Promise<void> {
  await using source = await openImageSource(path);
  if ((await keyOfImages(source)) !== key) throw changed('training data', path);
}

/** @throws SphereFaceError when a cell would be chosen or judged on other pairs than it is recorded with. */
export async function requireSamePairs(
  data: EvaluationData,
  { pairs, key }: { readonly pairs: string; readonly key: string },
): Promise<void> {
  if ((await keyOfPairs(data)) !== key) throw changed('pairs', pairs);
}

function changed(what: string, path: string): SphereFaceError {
  return new SphereFaceError(`The ${what} of the study have changed since it was opened.`, {
    got: `other names, pairs or images at ${path}`,
    expected: 'the content that its cells are known by',
    next: 'put it back, or give the same command again: it works out which cells the data as they are now have',
  });
}
