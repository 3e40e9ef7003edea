// Comparisons against NumPy, SciPy and statsmodels (tools/comparison_golden.py), and what must hold by definition.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { accuracyOf, bootstrapDifference, holm, signFlipTest, spreadOf } from './comparison.js';

interface Golden {
  readonly comparisons: readonly {
    readonly seeds: number;
    readonly pairs: number;
    readonly gain: number;
    readonly seed: number;
    readonly accuracies: readonly [number[], number[]];
    readonly standardDeviations: readonly [number, number] | null;
    readonly difference: number;
    readonly interval: readonly [number, number];
    readonly signFlip: number;
  }[];
  readonly holm: readonly { readonly given: number[]; readonly adjusted: number[] }[];
}

const golden = JSON.parse(readFileSync(new URL('comparison.golden.json', import.meta.url), 'utf8')) as Golden;

/** Park and Miller's generator, as in the script. */
function draw(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (16807 * state) % 2147483647;
    return state / 2147483647;
  });
}

function decisions(seeds: number, pairs: number, easy: number, seed: number): Uint8Array[] {
  const hardness = draw(pairs, 7);
  const luck = draw(seeds, seed);
  const noise = draw(seeds * pairs, seed + 1);
  return luck.map((lucky, k) =>
    Uint8Array.from({ length: pairs }, (_, i) => Number(noise[k * pairs + i] < easy - 0.4 * hardness[i] + 0.1 * lucky)),
  );
}

describe.each(golden.comparisons)('a comparison of $seeds seeds on $pairs pairs', (expected) => {
  const { seeds, pairs, gain, seed } = expected;
  const control = decisions(seeds, pairs, 1, seed);
  const treatment = decisions(seeds, pairs, 1 + gain, seed + 10);
  const differences = control.map((row, k) => accuracyOf(treatment[k]) - accuracyOf(row));

  it('has the accuracies and their spread', () => {
    for (const [side, rows] of [control, treatment].entries()) {
      const accuracies = rows.map(accuracyOf);
      for (const [k, accuracy] of accuracies.entries()) {
        expect(accuracy).toBeCloseTo(expected.accuracies[side as 0 | 1][k], 12);
      }
      const { mean, standardDeviation, best } = spreadOf(accuracies);
      expect(best).toBe(Math.max(...accuracies));
      expect(mean).toBeCloseTo(accuracies.reduce((sum, a) => sum + a) / seeds, 12);
      if (expected.standardDeviations === null) expect(standardDeviation).toBeNull();
      else expect(standardDeviation).toBeCloseTo(expected.standardDeviations[side as 0 | 1], 12);
    }
  });

  it('has the two-way bootstrap interval', () => {
    const interval = bootstrapDifference(control, treatment, { replicates: 20_000, seed: 1, level: 0.95 });
    // Other random numbers: a quantile of 20,000 resamples is known to 3 % of the interval's width (three standard errors).
    const tolerance = 0.03 * (expected.interval[1] - expected.interval[0]);
    expect(Math.abs(interval.low - expected.interval[0])).toBeLessThan(tolerance);
    expect(Math.abs(interval.high - expected.interval[1])).toBeLessThan(tolerance);
  });

  it('has the exact sign-flip probability', () => {
    expect(signFlipTest(differences)).toBeCloseTo(expected.signFlip, 12);
  });
});

describe('holm', () => {
  it.each(golden.holm)('adjusts $given', ({ given, adjusted }) => {
    for (const [i, value] of holm(given).entries()) expect(value).toBeCloseTo(adjusted[i], 12);
  });
});

describe('signFlipTest', () => {
  it('is sampled for many differences, near the exact normal limit', () => {
    const differences = draw(40, 3).map((value) => value - 0.4);
    const mean = differences.reduce((sum, d) => sum + d);
    const z = Math.abs(mean) / Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0));
    // Two-sided normal probability by Abramowitz and Stegun 7.1.26, right to 1.5e-7.
    const t = 1 / (1 + (0.3275911 * z) / Math.SQRT2);
    const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    const normal = polynomial * Math.exp((-z * z) / 2);
    expect(normal).toBeGreaterThan(0.01);
    expect(Math.abs(signFlipTest(differences) - normal)).toBeLessThan(0.02);
  });

  it('never finds less than its number of seeds allows', () => {
    expect(signFlipTest([1, 1, 1, 1, 1])).toBe(2 / 32);
    expect(signFlipTest([0, 0, 0])).toBe(1);
  });
});

describe('bootstrapDifference', () => {
  it('refuses sides that do not belong together', () => {
    const row = Uint8Array.of(1, 0, 1);
    expect(() => bootstrapDifference([row], [row, row])).toThrow(/cannot be compared pair by pair/);
    expect(() => bootstrapDifference([row], [Uint8Array.of(1)])).toThrow(/the same pairs everywhere/);
    expect(() => bootstrapDifference([], [])).toThrow(/cannot be compared/);
  });
});
