// Percentile bootstrap intervals (Efron and Tibshirani 1993, chapter 13) of verification metrics, seeded.
import { Random } from '../../common/random.js';
import type { RocCurve } from './roc.js';

/** A confidence interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How to resample. */
export interface BootstrapOptions {
  /** Number of resamples; 0 turns the bootstrap off. */
  readonly replicates: number;
  readonly seed: number;
  /** Share of resamples inside the interval. */
  readonly level: number;
}

export const defaultBootstrap: BootstrapOptions = { replicates: 1000, seed: 1, level: 0.95 };

/**
 * Intervals of several metrics of one curve. Matched and mismatched pairs are resampled apart, each as many as there
 * are; metrics see a curve with the same thresholds and new counts.
 */
export function bootstrapCurve<Name extends string>(
  curve: RocCurve,
  metrics: Readonly<Record<Name, (curve: RocCurve) => number>>,
  options: BootstrapOptions = defaultBootstrap,
): Record<Name, Interval> {
  const random = new Random(options.seed, 1);
  const names = Object.keys(metrics) as Name[];
  const samples = new Map(names.map((name) => [name, new Float64Array(options.replicates)]));
  const truePoints = pointOfEach(curve.trueAccepts, curve.matched);
  const falsePoints = pointOfEach(curve.falseAccepts, curve.mismatched);
  const trueAccepts = new Uint32Array(curve.trueAccepts.length);
  const falseAccepts = new Uint32Array(curve.falseAccepts.length);
  const replicate: RocCurve = { ...curve, trueAccepts, falseAccepts };
  for (let r = 0; r < options.replicates; r++) {
    resample(truePoints, trueAccepts, random);
    resample(falsePoints, falseAccepts, random);
    for (const name of names) samples.get(name)![r] = metrics[name](replicate);
  }
  return Object.fromEntries(
    names.map((name) => [name, percentileInterval(samples.get(name)!, options.level)]),
  ) as Record<Name, Interval>;
}

/** Interval of the mean of fold accuracies, resampling the pairs within each fold at their thresholds. */
export function bootstrapAccuracy(
  correctByFold: readonly Uint8Array[],
  options: BootstrapOptions = defaultBootstrap,
): Interval {
  const random = new Random(options.seed, 2);
  const samples = new Float64Array(options.replicates);
  for (let r = 0; r < options.replicates; r++) {
    let mean = 0;
    for (const correct of correctByFold) {
      let right = 0;
      for (let i = 0; i < correct.length; i++) right += correct[random.integer(correct.length)];
      mean += right / correct.length / correctByFold.length;
    }
    samples[r] = mean;
  }
  return percentileInterval(samples, options.level);
}

/** The curve point at which each pair is first accepted, from the cumulative counts. */
function pointOfEach(cumulative: Uint32Array, total: number): Uint32Array {
  const points = new Uint32Array(total);
  let filled = 0;
  for (let point = 0; point < cumulative.length; point++) {
    points.fill(point, filled, cumulative[point]);
    filled = cumulative[point];
  }
  return points;
}

/** Draws as many pairs as there are, with replacement, and writes their cumulative counts. */
function resample(points: Uint32Array, cumulative: Uint32Array, random: Random): void {
  cumulative.fill(0);
  for (let i = 0; i < points.length; i++) cumulative[points[random.integer(points.length)]]++;
  for (let i = 1; i < cumulative.length; i++) cumulative[i] += cumulative[i - 1];
}

/** The central `level` of the samples, quantiles interpolated linearly (Hyndman and Fan's type 7). */
export function percentileInterval(samples: Float64Array, level: number): Interval {
  const sorted = samples.slice().sort();
  const quantile = (q: number): number => {
    const position = q * (sorted.length - 1);
    const low = Math.floor(position);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (position - low) * (sorted[high] - sorted[low]);
  };
  return { low: quantile((1 - level) / 2), high: quantile((1 + level) / 2) };
}
