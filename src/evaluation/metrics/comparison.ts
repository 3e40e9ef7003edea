// Two ways of training compared over seeds and pairs: the difference of their accuracies, its interval, and two tests of chance.
import { SphereFaceError } from '../../common/errors.js';
import { Random } from '../../common/random.js';
import { type BootstrapOptions, defaultBootstrap, type Interval, percentileInterval } from './bootstrap.js';

/** Decisions of several trained models on the same pairs: a row per seed, an element per pair, 1 where it was right. */
export type Decisions = readonly Uint8Array[];

/** How often the pairs of a row were decided rightly, 0 … 1. */
export function accuracyOf(row: Uint8Array): number {
  return row.reduce((sum, right) => sum + right, 0) / row.length;
}

/** Mean, sample standard deviation (n − 1; null for one value) and largest of some accuracies. */
export function spreadOf(values: readonly number[]): {
  readonly mean: number;
  readonly standardDeviation: number | null;
  readonly best: number;
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean,
    standardDeviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)),
    best: Math.max(...values),
  };
}

/**
 * Percentile interval of the mean difference `treatment` − `control` over seeds and pairs, both of which are resampled with replacement
 * and apart from each other (the two-way bootstrap: Owen 2007, "The pigeonhole bootstrap"): another draw of seeds and another
 * draw of pairs would have given another difference. Row k of both is one seed. With a single seed only pairs are resampled.
 */
export function bootstrapDifference(
  control: Decisions,
  treatment: Decisions,
  { replicates, seed, level }: BootstrapOptions = defaultBootstrap,
): Interval {
  assertPaired(control, treatment);
  const seeds = control.length;
  const pairs = control[0].length;
  const differences = control.map((row, k) => Float64Array.from(row, (right, i) => treatment[k][i] - right));
  const random = new Random(seed, 3);
  const times = new Float64Array(pairs);
  const samples = new Float64Array(replicates);
  for (let r = 0; r < replicates; r++) {
    times.fill(0);
    for (let i = 0; i < pairs; i++) times[random.integer(pairs)]++;
    const means = differences.map((row) => {
      let sum = 0;
      for (let i = 0; i < pairs; i++) sum += row[i] * times[i];
      return sum / pairs;
    });
    let sum = 0;
    for (let k = 0; k < seeds; k++) sum += means[seeds === 1 ? 0 : random.integer(seeds)];
    samples[r] = sum / seeds;
  }
  return percentileInterval(samples, level);
}

function assertPaired(control: Decisions, treatment: Decisions): void {
  const pairs = control[0]?.length ?? 0;
  const same = [...control, ...treatment].every((row) => row.length === pairs);
  if (control.length === treatment.length && pairs > 0 && same) return;
  throw new SphereFaceError('These decisions cannot be compared pair by pair.', {
    got: `${control.length} and ${treatment.length} rows, of ${[...control, ...treatment].map((row) => row.length).join(', ')} pairs`,
    expected: 'as many seeds on both sides, and the same pairs everywhere',
  });
}

/** Differences of up to so many seeds are flipped in every way that there is; of more, at random. */
const mostExact = 16;
const randomFlips = 20_000;

/**
 * Two-sided sign-flip test of paired differences (Fisher's randomisation test): how likely a mean as far from zero is if each difference
 * could as well have had the other sign. Exact up to 16 differences; beyond, a random sample of flips that counts the observed one.
 * With n differences no probability is below 2 / 2^n: 0.06 for five seeds.
 */
export function signFlipTest(differences: readonly number[], seed = defaultBootstrap.seed): number {
  const n = differences.length;
  const observed = Math.abs(differences.reduce((sum, d) => sum + d, 0));
  // Sums of the same numbers in another order differ in their last bits.
  const enough = observed - 1e-9 * differences.reduce((sum, d) => sum + Math.abs(d), 0);
  const flipped = (signs: (k: number) => boolean): boolean =>
    Math.abs(differences.reduce((sum, d, k) => sum + (signs(k) ? -d : d), 0)) >= enough;
  if (n <= mostExact) {
    let count = 0;
    for (let flips = 0; flips < 2 ** n; flips++) count += Number(flipped((k) => ((flips >> k) & 1) === 1));
    return count / 2 ** n;
  }
  const random = new Random(seed, 4);
  let count = 1;
  for (let r = 0; r < randomFlips; r++) count += Number(flipped(() => random.uniform() < 0.5));
  return count / (randomFlips + 1);
}

/**
 * Holm's correction (1979): probabilities adjusted so that in a family of several comparisons a false finding at level α stays below α.
 * In the order given.
 */
export function holm(probabilities: readonly number[]): number[] {
  const order = [...probabilities.keys()].sort((i, j) => probabilities[i] - probabilities[j]);
  const adjusted = new Array<number>(probabilities.length).fill(1);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (probabilities.length - rank) * probabilities[index]));
    adjusted[index] = largest;
  }
  return adjusted;
}
