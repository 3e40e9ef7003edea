// Receiver operating characteristic from exact counts: AUC, equal error rate, true-accept rate at a false-accept rate.
import { SphereFaceError } from '../../common/errors.js';

/**
 * Counts at every distinct score, highest first: point i accepts all pairs with score >= `thresholds[i]`, so that
 * equal scores are never split. The point that accepts nothing is not stored.
 */
export interface RocCurve {
  readonly thresholds: Float64Array;
  /** Matched pairs accepted. */
  readonly trueAccepts: Uint32Array;
  /** Mismatched pairs accepted. */
  readonly falseAccepts: Uint32Array;
  /** All matched pairs. */
  readonly matched: number;
  /** All mismatched pairs. */
  readonly mismatched: number;
}

/**
 * The ROC of `scores`, where `same` is 1 for matched pairs. Takes n log n time (typed-array sorts) and about
 * 24 bytes per pair.
 */
export function rocCurve(scores: Float64Array, same: Uint8Array): RocCurve {
  if (scores.length !== same.length) {
    throw new SphereFaceError('Scores and labels differ in number', {
      got: `${scores.length} scores, ${same.length} labels`,
    });
  }
  let matched = 0;
  for (let i = 0; i < same.length; i++) matched += Number(same[i] !== 0);
  const mismatched = scores.length - matched;
  if (matched === 0 || mismatched === 0) {
    throw new SphereFaceError('A ROC needs pairs of both kinds', {
      got: `${matched} matched and ${mismatched} mismatched pairs`,
      expected: 'at least one of each',
    });
  }
  const positive = new Float64Array(matched);
  const negative = new Float64Array(mismatched);
  let p = 0;
  let n = 0;
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) {
      throw new SphereFaceError(`Score ${i} is not a number`, { expected: 'finite scores' });
    }
    if (same[i] !== 0) positive[p++] = scores[i];
    else negative[n++] = scores[i];
  }
  positive.sort();
  negative.sort();

  const points = countDistinct(positive, negative);
  const thresholds = new Float64Array(points);
  const trueAccepts = new Uint32Array(points);
  const falseAccepts = new Uint32Array(points);
  for (let point = 0; point < points; point++) {
    const score = p > 0 && (n === 0 || positive[p - 1] > negative[n - 1]) ? positive[p - 1] : negative[n - 1];
    while (p > 0 && positive[p - 1] === score) p--;
    while (n > 0 && negative[n - 1] === score) n--;
    thresholds[point] = score;
    trueAccepts[point] = matched - p;
    falseAccepts[point] = mismatched - n;
  }
  return { thresholds, trueAccepts, falseAccepts, matched, mismatched };
}

/** The number of distinct values in two sorted arrays together. */
function countDistinct(a: Float64Array, b: Float64Array): number {
  let i = 0;
  let j = 0;
  let count = 0;
  while (i < a.length || j < b.length) {
    const value = i < a.length && (j === b.length || a[i] < b[j]) ? a[i] : b[j];
    while (i < a.length && a[i] === value) i++;
    while (j < b.length && b[j] === value) j++;
    count++;
  }
  return count;
}

/**
 * Area under the ROC by the trapezoidal rule: the probability that a matched pair scores higher than a mismatched one,
 * ties counted half (Mann and Whitney). The sum is of whole numbers, exact while matched x mismatched < 2^52.
 */
export function areaUnderCurve(curve: RocCurve): number {
  const { trueAccepts, falseAccepts } = curve;
  let doubled = 0;
  let beforeTrue = 0;
  let beforeFalse = 0;
  for (let i = 0; i < trueAccepts.length; i++) {
    doubled += (falseAccepts[i] - beforeFalse) * (trueAccepts[i] + beforeTrue);
    beforeTrue = trueAccepts[i];
    beforeFalse = falseAccepts[i];
  }
  return doubled / 2 / curve.matched / curve.mismatched;
}

/** The rate at which false accepts equal false rejects, on the ROC's straight segments between points. */
export function equalErrorRate(curve: RocCurve): number {
  const far = (i: number): number => (i < 0 ? 0 : curve.falseAccepts[i] / curve.mismatched);
  const frr = (i: number): number => (i < 0 ? 1 : 1 - curve.trueAccepts[i] / curve.matched);
  // FAR − FRR never falls along the curve, and is 1 at the last point.
  let low = -1;
  let high = curve.thresholds.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (far(middle) >= frr(middle)) high = middle;
    else low = middle;
  }
  const gap = frr(low) - far(low);
  const t = gap / (gap + far(high) - frr(high));
  return far(low) + t * (far(high) - far(low));
}

/** The curve's last point whose false-accept rate is at most `far`; −1 where even the first point exceeds it. */
export function pointAtFar(curve: RocCurve, far: number): number {
  let low = -1;
  let high = curve.thresholds.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (curve.falseAccepts[middle] / curve.mismatched <= far) low = middle;
    else high = middle;
  }
  return low;
}

/** The highest true-accept rate that keeps the false-accept rate at or below `far`. */
export function trueAcceptRateAt(curve: RocCurve, far: number): number {
  const point = pointAtFar(curve, far);
  return point < 0 ? 0 : curve.trueAccepts[point] / curve.matched;
}

/** Whether the mismatched pairs can tell `far` from zero: one false accept must not already exceed it. */
export function supportsFar(curve: RocCurve, far: number): boolean {
  return 1 / curve.mismatched <= far;
}
