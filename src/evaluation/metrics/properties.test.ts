// What must hold for any data: symmetries of the metrics, agreement with brute force, and honest refusals.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { bootstrapAccuracy, bootstrapCurve } from './bootstrap.js';
import { identificationCurve, identificationRateAt, identify, rankRate } from './identification.js';
import {
  bestSingleThreshold,
  type FoldedPairs,
  foldsByPosition,
  plainFolds,
  type ProtocolOutcome,
  publishedFolds,
  summarise,
  view1,
} from './protocols.js';
import { areaUnderCurve, equalErrorRate, rocCurve, supportsFar, trueAcceptRateAt } from './roc.js';
import { cosineScores, type Embeddings } from './scores.js';
import { accuracyAt, bestGridThreshold, bestThreshold, thresholdBelow } from './threshold.js';

/** `count` random pairs over `count` embeddings, matched ones closer; folds by turns. */
function randomPairs(seed: number, count: number, size: number, folds: number): [Embeddings, FoldedPairs] {
  const random = new Random(seed);
  const data = Float64Array.from({ length: count * 2 * size }, () => random.gaussian(0.1));
  const same = Uint8Array.from({ length: count }, (_, i) => Number(i % 2 === 0));
  for (let pair = 0; pair < count; pair++) {
    if (same[pair] === 0) continue;
    for (let i = 0; i < size; i++) data[(2 * pair + 1) * size + i] += data[2 * pair * size + i];
  }
  return [
    { data, count: 2 * count, size },
    {
      left: Int32Array.from({ length: count }, (_, i) => 2 * i),
      right: Int32Array.from({ length: count }, (_, i) => 2 * i + 1),
      same,
      fold: Uint32Array.from({ length: count }, (_, i) => (i >> 1) % folds),
      folds,
    },
  ];
}

function permuted(pairs: FoldedPairs, seed: number): [FoldedPairs, number[]] {
  const order = Array.from(pairs.same, (_, i) => i);
  new Random(seed).shuffle(order);
  return [
    {
      left: Int32Array.from(order, (i) => pairs.left[i]),
      right: Int32Array.from(order, (i) => pairs.right[i]),
      same: Uint8Array.from(order, (i) => pairs.same[i]),
      fold: Uint32Array.from(order, (i) => pairs.fold[i]),
      folds: pairs.folds,
    },
    order,
  ];
}

const protocolRuns: [string, (embeddings: Embeddings, pairs: FoldedPairs) => ProtocolOutcome][] = [
  ['10-fold', publishedFolds],
  ['k-fold', plainFolds],
  ['view1', (embeddings, pairs) => view1(embeddings, pairs, pairs)],
  ['best-threshold', bestSingleThreshold],
];

// Rounding moves a score by some 1e-16, a threshold only where a score crosses a grid point: never for these seeds.
const seeds = fc.integer({ min: 1, max: 1000 });

describe.each(protocolRuns)('symmetries of %s', (_, run) => {
  const facts = (outcome: ProtocolOutcome): number[] =>
    outcome.folds.flatMap(({ accuracy, threshold }) => [accuracy, Math.round(threshold * 1e9) / 1e9]);

  it('permuting the pairs changes nothing', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [embeddings, pairs] = randomPairs(seed, 80, 6, 4);
        const before = run(embeddings, pairs);
        const [shuffled, order] = permuted(pairs, seed + 1);
        const after = run(embeddings, shuffled);
        expect(facts(after)).toEqual(facts(before));
        expect([...after.correct]).toEqual(order.map((i) => before.correct[i]));
      }),
      { numRuns: 25 },
    );
  });

  it('swapping the two sides changes nothing', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [embeddings, pairs] = randomPairs(seed, 80, 6, 4);
        const swapped = { ...pairs, left: pairs.right, right: pairs.left };
        expect(facts(run(embeddings, swapped))).toEqual(facts(run(embeddings, pairs)));
      }),
      { numRuns: 25 },
    );
  });

  it('scaling all embeddings changes nothing', () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (seed, scale) => {
        const [embeddings, pairs] = randomPairs(seed, 80, 6, 4);
        const scaled = { ...embeddings, data: embeddings.data.map((value) => value * scale) as Float64Array };
        expect(facts(run(scaled, pairs))).toEqual(facts(run(embeddings, pairs)));
      }),
      { numRuns: 25 },
    );
  });
});

/** Scores with many ties, and labels with both kinds. */
const tiedScores = fc
  .array(fc.tuple(fc.integer({ min: -6, max: 6 }), fc.boolean()), { minLength: 2, maxLength: 40 })
  .filter((pairs) => pairs.some(([, same]) => same) && pairs.some(([, same]) => !same))
  .map((pairs) => ({
    scores: Float64Array.from(pairs, ([score]) => score / 10),
    same: Uint8Array.from(pairs, ([, same]) => Number(same)),
  }));

describe('against brute force', () => {
  it('the grid scan equals counting at all 20,001 thresholds', () => {
    fc.assert(
      fc.property(tiedScores, ({ scores, same }) => {
        let most = -1;
        let best: number[] = [];
        for (let k = -10_000; k <= 10_000; k++) {
          const accuracy = accuracyAt(scores, same, k / 10_000);
          if (accuracy > most) [most, best] = [accuracy, []];
          if (accuracy === most) best.push(k / 10_000);
        }
        const chosen = bestGridThreshold(scores, same);
        expect(chosen.accuracy).toBe(most);
        expect(chosen.threshold).toBe(best.reduce((a, b) => a + b, 0) / best.length);
      }),
      { numRuns: 30 },
    );
  });

  it('AUC is the share of ordered couples, ties half', () => {
    fc.assert(
      fc.property(tiedScores, ({ scores, same }) => {
        let wins = 0;
        let couples = 0;
        for (let i = 0; i < scores.length; i++) {
          for (let j = 0; j < scores.length; j++) {
            if (same[i] === 0 || same[j] === 1) continue;
            couples++;
            wins += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
          }
        }
        expect(areaUnderCurve(rocCurve(scores, same))).toBeCloseTo(wins / couples, 14);
      }),
    );
  });

  it('no threshold beats bestThreshold, and it reaches what it promises', () => {
    fc.assert(
      fc.property(tiedScores, fc.double({ min: -1, max: 1, noNaN: true }), ({ scores, same }, other) => {
        const best = bestThreshold(rocCurve(scores, same));
        expect(accuracyAt(scores, same, best.threshold)).toBe(best.accuracy);
        expect(accuracyAt(scores, same, other)).toBeLessThanOrEqual(best.accuracy);
      }),
    );
  });

  it('a threshold below a point accepts exactly that point, and TAR at FAR is the best any threshold reaches', () => {
    fc.assert(
      fc.property(tiedScores, fc.constantFrom(0.05, 0.1, 0.25, 0.5), ({ scores, same }, far) => {
        const curve = rocCurve(scores, same);
        let best = 0;
        for (let point = -1; point < curve.thresholds.length; point++) {
          const threshold = thresholdBelow(curve, point);
          const accepted = (kind: number): number =>
            scores.filter((score, i) => same[i] === kind && score > threshold).length;
          expect(accepted(1)).toBe(point < 0 ? 0 : curve.trueAccepts[point]);
          expect(accepted(0)).toBe(point < 0 ? 0 : curve.falseAccepts[point]);
          if (accepted(0) / curve.mismatched <= far) best = Math.max(best, accepted(1) / curve.matched);
        }
        expect(trueAcceptRateAt(curve, far)).toBe(best);
      }),
    );
  });

  it('negating scores and labels mirrors AUC and keeps EER', () => {
    fc.assert(
      fc.property(tiedScores, ({ scores, same }) => {
        const curve = rocCurve(scores, same);
        const mirrored = rocCurve(
          scores.map((score) => -score),
          same.map((label) => 1 - label),
        );
        expect(areaUnderCurve(mirrored)).toBeCloseTo(areaUnderCurve(curve), 14);
        expect(equalErrorRate(mirrored)).toBeCloseTo(equalErrorRate(curve), 14);
      }),
    );
  });
});

describe('edges', () => {
  it('knows perfect, useless and reversed scores', () => {
    const same = Uint8Array.of(1, 1, 0, 0);
    const perfect = rocCurve(Float64Array.of(0.9, 0.8, 0.2, 0.1), same);
    expect([areaUnderCurve(perfect), equalErrorRate(perfect), trueAcceptRateAt(perfect, 0)]).toEqual([1, 0, 1]);
    const useless = rocCurve(new Float64Array(4), same);
    expect([areaUnderCurve(useless), equalErrorRate(useless), trueAcceptRateAt(useless, 0.1)]).toEqual([0.5, 0.5, 0]);
    const reversed = rocCurve(Float64Array.of(0.1, 0.2, 0.8, 0.9), same);
    expect([areaUnderCurve(reversed), equalErrorRate(reversed)]).toEqual([0, 1]);
  });

  it('says which false-accept rates the pairs support', () => {
    const curve = rocCurve(
      Float64Array.from({ length: 1001 }, (_, i) => i),
      Uint8Array.from({ length: 1001 }, (_, i) => Number(i === 0)),
    );
    expect([1e-2, 1e-3, 9e-4].map((far) => supportsFar(curve, far))).toEqual([true, true, false]);
  });

  it('refuses one kind of pairs, NaN scores and embeddings without direction', () => {
    expect(() => rocCurve(Float64Array.of(1, 2), Uint8Array.of(1, 1))).toThrow(/both kinds/);
    expect(() => rocCurve(Float64Array.of(NaN, 2), Uint8Array.of(1, 0))).toThrow(/not a number/);
    const pair = { left: Int32Array.of(0), right: Int32Array.of(1), same: Uint8Array.of(1) };
    expect(() => cosineScores({ data: Float32Array.of(0, 0, 1, 2), count: 2, size: 2 }, pair)).toThrow(/no similarity/);
    expect(() => cosineScores({ data: Float32Array.of(1, 0), count: 1, size: 2 }, pair)).toThrow(/does not exist/);
  });

  it('cuts folds by position, balanced in both kinds', () => {
    const same = Uint8Array.from({ length: 50 }, (_, i) => Number(i < 20));
    const fold = foldsByPosition(same, 10);
    for (let f = 0; f < 10; f++) {
      const members = [...same].filter((_, i) => fold[i] === f);
      expect([members.length, members.filter((label) => label === 1).length]).toEqual([5, 2]);
    }
    expect(() => foldsByPosition(same.subarray(0, 25), 10)).toThrow(/Too few pairs/);
  });

  it('summarises folds by mean, sample deviation and standard error', () => {
    const fold = (accuracy: number) => ({ accuracy, threshold: 0, pairs: 1 });
    const { mean, std, standardError } = summarise([fold(0.9), fold(1), fold(0.8), fold(0.9)]);
    expect(mean).toBeCloseTo(0.9, 15);
    expect(std).toBeCloseTo(Math.sqrt(0.02 / 3), 15);
    expect(standardError).toBeCloseTo(Math.sqrt(0.02 / 3) / 2, 15);
    expect(summarise([fold(0.9)])).toEqual({ mean: 0.9, std: null, standardError: null });
  });
});

describe('bootstrap', () => {
  it('is seeded, and covers the binomial interval of an accuracy', () => {
    const correct = new Uint8Array(1000).fill(1, 0, 900);
    const options = { replicates: 4000, seed: 3, level: 0.95 };
    const { low, high } = bootstrapAccuracy([correct], options);
    // Normal approximation: 0.9 ± 1.96 sqrt(0.09 / 1000) = 0.9 ± 0.0186; 4,000 resamples place the ends within 0.001.
    expect(Math.abs(low - 0.8814)).toBeLessThan(0.0015);
    expect(Math.abs(high - 0.9186)).toBeLessThan(0.0015);
    expect(bootstrapAccuracy([correct], options)).toEqual({ low, high });
    expect(bootstrapAccuracy([correct], { ...options, seed: 4 })).not.toEqual({ low, high });
  });

  it('gives AUC the width that DeLong gives', () => {
    const random = new Random(5);
    const same = Uint8Array.from({ length: 600 }, (_, i) => Number(i % 2));
    const scores = Float64Array.from(same, (label) => random.gaussian(label));
    // DeLong et al. 1988: variance from the placement of each score among the other kind's.
    const placements = (kind: number): number[] =>
      [...scores]
        .filter((_, i) => same[i] === kind)
        .map((score) => [...scores].filter((other, i) => same[i] !== kind && other < score).length / 300);
    const variance = (values: number[]): number => {
      const mean = values.reduce((a, b) => a + b) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    };
    const error = Math.sqrt((variance(placements(0)) + variance(placements(1))) / 300);
    const { auc } = bootstrapCurve(
      rocCurve(scores, same),
      { auc: areaUnderCurve },
      { replicates: 2000, seed: 1, level: 0.95 },
    );
    // 2,000 resamples leave some 3 % of noise in the width.
    expect((auc.high - auc.low) / (2 * 1.96 * error)).toBeGreaterThan(0.9);
    expect((auc.high - auc.low) / (2 * 1.96 * error)).toBeLessThan(1.1);
  });
});

describe('identification', () => {
  // Gallery: a at 0 degrees, b at 90 degrees (two pictures), c at 180 degrees.
  const at = (degrees: number): [number, number] => [
    Math.cos((degrees * Math.PI) / 180),
    Math.sin((degrees * Math.PI) / 180),
  ];
  const labelled = (rows: [string, number][]) => ({
    data: Float64Array.from(rows.flatMap(([, degrees]) => at(degrees))),
    count: rows.length,
    size: 2,
    identities: rows.map(([identity]) => identity),
  });
  const gallery = labelled([
    ['a', 0],
    ['b', 90],
    ['b', 100],
    ['c', 180],
  ]);

  it('ranks identities by their best picture', () => {
    const probes = labelled([
      ['a', 10], // a is nearest: rank 1
      ['a', 60], // b at 90 is nearer: rank 2
      ['c', 20], // a, then b, then c: rank 3
      ['x', 5], // stranger: nearest is a at 5 degrees
      ['y', 140], // stranger: nearest are b at 100 and c at 180, 40 degrees away
    ]);
    const outcomes = identify(gallery, probes);
    expect([...outcomes.ranks]).toEqual([1, 2, 3]);
    expect([1, 2, 3].map((k) => rankRate(outcomes, k))).toEqual([1 / 3, 2 / 3, 1]);
    expect(outcomes.strangerScores[0]).toBeCloseTo(Math.cos((5 * Math.PI) / 180), 12);
    const curve = identificationCurve(outcomes);
    // a at 10 degrees scores below the stranger at 5 but above the one at 40.
    expect(identificationRateAt(curve, 0.5)).toBeCloseTo(1 / 3, 15);
    expect(identificationRateAt(curve, 0.49)).toBeNull();
    expect(identificationRateAt(curve, 1)).toBeCloseTo(1 / 3, 15);
  });

  it('gives nothing for a constant embedding', () => {
    const constant = {
      data: new Float64Array(8).fill(1),
      count: 4,
      size: 2,
      identities: ['a', 'b', 'c', 'd'],
    };
    expect(rankRate(identify(constant, constant), 1)).toBe(0);
  });
});
