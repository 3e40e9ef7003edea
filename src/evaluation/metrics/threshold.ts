// The best decision threshold of scored pairs: by the published grid, and exactly.
import type { RocCurve } from './roc.js';

/** A threshold t and the share of pairs it decides rightly: matched pairs score > t, mismatched ones < t. */
export interface ThresholdChoice {
  readonly threshold: number;
  /** In [0, 1], on the pairs that the threshold was chosen on. */
  readonly accuracy: number;
}

/** The published grid: −10,000/10,000 … 10,000/10,000 in 20,001 steps. */
const publishedGridSteps = 10_000;

/**
 * The mean of all grid thresholds k / `steps`, k = −`steps` … `steps`, that are best (`getThreshold` of the published
 * `evaluation.m`), with its strict inequalities: a score equal to a threshold is wrong on either side.
 *
 * Each pair is right on one run of thresholds, so that counting where runs begin and end gives every accuracy in one pass.
 */
export function bestGridThreshold(
  scores: Float64Array,
  same: Uint8Array,
  steps: number = publishedGridSteps,
): ThresholdChoice {
  const points = 2 * steps + 1;
  const change = new Int32Array(points + 1);
  for (let i = 0; i < scores.length; i++) {
    // NaN is wrong at every threshold, as comparisons have it; the clamp only bounds the search for k.
    if (Number.isNaN(scores[i])) continue;
    const s = clamp(scores[i], -2, 2);
    if (same[i] !== 0) {
      // Right at every k with k / steps < s; the guess may be off by one through rounding.
      let k = Math.ceil(s * steps);
      while (k / steps >= s) k--;
      while ((k + 1) / steps < s) k++;
      change[0]++;
      change[clamp(k + 1 + steps, 0, points)]--;
    } else {
      let k = Math.floor(s * steps);
      while (k / steps <= s) k++;
      while ((k - 1) / steps > s) k--;
      change[clamp(k + steps, 0, points)]++;
    }
  }
  let right = 0;
  let most = -1;
  let sum = 0;
  let ties = 0;
  for (let point = 0; point < points; point++) {
    right += change[point];
    const threshold = (point - steps) / steps;
    if (right > most) {
      most = right;
      sum = threshold;
      ties = 1;
    } else if (right === most) {
      sum += threshold;
      ties++;
    }
  }
  return { threshold: sum / ties, accuracy: most / scores.length };
}

/** The share of pairs that `threshold` decides rightly; NaN without pairs. */
export function accuracyAt(scores: Float64Array, same: Uint8Array, threshold: number): number {
  let right = 0;
  for (let i = 0; i < scores.length; i++) right += decidedRightly(scores[i], same[i], threshold);
  return right / scores.length;
}

/** 1 if a pair is decided rightly, by the published strict inequalities, else 0. */
export function decidedRightly(score: number, same: number, threshold: number): number {
  return Number(same !== 0 ? score > threshold : score < threshold);
}

/**
 * The best threshold of all real numbers: halfway between two neighbouring distinct scores (or just outside them all).
 * Of several equally good gaps the one with the highest threshold is taken.
 */
export function bestThreshold(curve: RocCurve): ThresholdChoice {
  let most = curve.mismatched;
  let best = -1;
  for (let i = 0; i < curve.thresholds.length; i++) {
    const right = curve.trueAccepts[i] + curve.mismatched - curve.falseAccepts[i];
    if (right > most) {
      most = right;
      best = i;
    }
  }
  return { threshold: thresholdBelow(curve, best), accuracy: most / (curve.matched + curve.mismatched) };
}

/**
 * A threshold t such that `score > t` accepts exactly the scores of curve points 0 … `point`: the middle of the gap
 * below the point's score. −1 accepts nothing.
 */
export function thresholdBelow(curve: RocCurve, point: number): number {
  const { thresholds } = curve;
  // Outside the scores the gap has no other end; one grid step is as good as any distance.
  if (point < 0) return thresholds[0] + 1 / publishedGridSteps;
  if (point >= thresholds.length - 1) return thresholds[thresholds.length - 1] - 1 / publishedGridSteps;
  const upper = thresholds[point];
  const lower = thresholds[point + 1];
  const middle = lower + (upper - lower) / 2;
  return middle < upper ? middle : lower;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
