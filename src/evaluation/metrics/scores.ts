// Similarity of embedding pairs in float64: plain cosine, and the published cosine about the mean of other folds.
import { SphereFaceError } from '../../common/errors.js';

/** `count` embeddings of `size` numbers each, row after row. */
export interface Embeddings {
  readonly data: Float32Array | Float64Array;
  readonly count: number;
  readonly size: number;
}

/** Pairs of rows of an {@link Embeddings}; the three arrays have one element per pair. */
export interface PairSet {
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** 1 where both pictures show the same person (a matched pair), 0 otherwise. */
  readonly same: Uint8Array;
}

/** Cosine similarity of each pair, in [-1, 1] up to rounding. */
export function cosineScores(embeddings: Embeddings, pairs: PairSet): Float64Array {
  return centredCosineScores(embeddings, pairs, new Float64Array(embeddings.size));
}

/** Cosine of each pair after `mean` (length `size`) is subtracted from both sides; all pairs, or those in `select`. */
export function centredCosineScores(
  embeddings: Embeddings,
  pairs: PairSet,
  mean: Float64Array,
  select?: Uint32Array,
): Float64Array {
  checkPairs(embeddings, pairs);
  const { data, size } = embeddings;
  const scores = new Float64Array(select?.length ?? pairs.left.length);
  for (let i = 0; i < scores.length; i++) {
    const pair = select?.[i] ?? i;
    scores[i] = centredCosine(data, pairs.left[pair] * size, pairs.right[pair] * size, mean);
    if (!Number.isFinite(scores[i])) {
      throw new SphereFaceError(`Pair ${pair} has no similarity`, {
        got: `cosine ${scores[i]} of embeddings ${pairs.left[pair]} and ${pairs.right[pair]}`,
        expected: 'finite embeddings of non-zero length (and, in the centred form, away from the mean)',
        next: 'look at what the model gives for these two pictures',
      });
    }
  }
  return scores;
}

// The subtraction is done before the products, not expanded into <a,b> - <a+b,m> + <m,m>, which would cancel
// where the mean is long.
function centredCosine(data: Embeddings['data'], a: number, b: number, mean: Float64Array): number {
  let dot = 0;
  let left = 0;
  let right = 0;
  for (let i = 0; i < mean.length; i++) {
    const m = mean[i];
    const x = data[a + i] - m;
    const y = data[b + i] - m;
    dot += x * y;
    left += x * x;
    right += y * y;
  }
  return dot / Math.sqrt(left * right);
}

/**
 * For each fold, the mean embedding over both sides of the pairs of all *other* folds; a picture counts as often as
 * pairs hold it (`evaluation.m` of the published system).
 *
 * @param fold fold of each pair, 0 … `folds` − 1
 */
export function meansOfOtherFolds(
  embeddings: Embeddings,
  pairs: PairSet,
  fold: Uint32Array,
  folds: number,
): Float64Array[] {
  checkPairs(embeddings, pairs);
  const { data, size } = embeddings;
  const sums = Array.from({ length: folds }, () => new Float64Array(size));
  const counts = new Float64Array(folds);
  for (let pair = 0; pair < fold.length; pair++) {
    const sum = sums[fold[pair]];
    const a = pairs.left[pair] * size;
    const b = pairs.right[pair] * size;
    for (let i = 0; i < size; i++) sum[i] += data[a + i] + data[b + i];
    counts[fold[pair]] += 2;
  }
  return sums.map((_, held) => {
    const mean = new Float64Array(size);
    let count = 0;
    for (let other = 0; other < folds; other++) {
      if (other === held) continue;
      count += counts[other];
      for (let i = 0; i < size; i++) mean[i] += sums[other][i];
    }
    return mean.map((sum) => sum / count);
  });
}

function checkPairs(embeddings: Embeddings, pairs: PairSet): void {
  const { data, count, size } = embeddings;
  if (data.length !== count * size) {
    throw new SphereFaceError('The embeddings do not fill their shape', {
      got: `${data.length} numbers`,
      expected: `${count} x ${size} = ${count * size}`,
    });
  }
  if (pairs.left.length !== pairs.right.length || pairs.left.length !== pairs.same.length) {
    throw new SphereFaceError('The two sides and the labels of the pairs differ in number', {
      got: `${pairs.left.length} left, ${pairs.right.length} right, ${pairs.same.length} labels`,
    });
  }
  for (const side of [pairs.left, pairs.right]) {
    for (const row of side) {
      if (row < 0 || row >= count) {
        throw new SphereFaceError('A pair names an embedding that does not exist', {
          got: `row ${row}`,
          expected: `0 to ${count - 1}`,
        });
      }
    }
  }
}
