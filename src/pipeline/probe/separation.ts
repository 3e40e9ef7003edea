// How well embeddings separate people: every pair of photos, and whether the order of two embedders would be the same for other people.
import { Random } from '../../common/random.js';
import { areaUnderCurve, cosine, equalErrorRate, rocCurve } from '../../evaluation/index.js';

/** The similarities of all pairs of photos. */
export interface Pairs {
  readonly similarity: Float64Array;
  /** The people of either photo, as numbers from 0. */
  readonly left: Uint32Array;
  readonly right: Uint32Array;
}

/** How far one person's pairs lie from those of two. */
export interface Separation {
  /** The chance that a pair of one person is more alike than a pair of two. */
  readonly auc: number;
  /** Where as many pairs of one person are refused as pairs of two accepted. */
  readonly eer: number;
  /** d': the distance of the two means, in standard deviations (root of the mean of both variances). */
  readonly dPrime: number;
}

/**
 * The pairs of embeddings.
 * @param rows embeddings, one after the other; one without a direction (zeros, not finite) is 0 alike to all
 * @param person whose each is, as numbers from 0
 */
export function pairsOf(rows: readonly Float32Array[], person: readonly number[]): Pairs {
  const count = (rows.length * (rows.length - 1)) / 2;
  const pairs = { similarity: new Float64Array(count), left: new Uint32Array(count), right: new Uint32Array(count) };
  const usable = rows.map((row) => row.every(Number.isFinite) && row.some((value) => value !== 0));
  for (let i = 0, at = 0; i < rows.length; i++) {
    for (let j = 0; j < i; j++, at++) {
      pairs.similarity[at] = usable[i] && usable[j] ? cosine(rows[i], rows[j]) : 0;
      pairs.left[at] = person[i];
      pairs.right[at] = person[j];
    }
  }
  return pairs;
}

export function separationOf(pairs: Pairs): Separation {
  const { similarity, left, right } = pairs;
  const curve = rocCurve(
    similarity,
    Uint8Array.from(left, (person, i) => Number(person === right[i])),
  );
  return { auc: areaUnderCurve(curve), eer: equalErrorRate(curve), dPrime: decidability(pairs, () => 1) };
}

/** Cosines of float32 embeddings that differ by no more than this are the same. */
const rounding = 1e-6;

/** d' with people counted as often as `times` says. */
function decidability({ similarity, left, right }: Pairs, times: (person: number) => number): number {
  // Sums of weights, values and squares: of pairs of two people, and of one.
  const sums = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let i = 0; i < similarity.length; i++) {
    const same = left[i] === right[i];
    const weight = same ? times(left[i]) : times(left[i]) * times(right[i]);
    const sum = sums[Number(same)];
    sum[0] += weight;
    sum[1] += weight * similarity[i];
    sum[2] += weight * similarity[i] ** 2;
  }
  const [different, same] = sums.map(([weight, value, square]) => {
    const mean = value / weight;
    return { mean, variance: Math.max(square / weight - mean * mean, 0) };
  });
  const spread = Math.sqrt((different.variance + same.variance) / 2 + rounding ** 2);
  const distance = same.mean - different.mean;
  // A draw of a single person has no pair of two.
  return Number.isFinite(distance) ? distance / spread : 0;
}

/** Draws of people for {@link agreement}. */
const draws = 400;

/**
 * In which share of draws of as many people, with replacement, `better` has a larger d' than `worse`. The pairs are of the same photos.
 * The draws are the same for the same number of people.
 */
export function agreement(better: Pairs, worse: Pairs, people: number): number {
  const random = new Random(1, 7);
  let agreed = 0;
  for (let draw = 0; draw < draws; draw++) {
    const counts = new Uint32Array(people);
    for (let i = 0; i < people; i++) counts[random.integer(people)]++;
    const times = (person: number): number => counts[person];
    if (decidability(better, times) > decidability(worse, times)) agreed++;
  }
  return agreed / draws;
}
