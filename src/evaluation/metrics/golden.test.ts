// The metrics against independent implementations: GNU Octave (published protocol) and scikit-learn (ROC family).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type FoldedPairs, plainFolds, publishedFolds } from './protocols.js';
import { areaUnderCurve, equalErrorRate, rocCurve, trueAcceptRateAt } from './roc.js';
import type { Embeddings } from './scores.js';
import { accuracyAt, bestGridThreshold, bestThreshold } from './threshold.js';

/** Park and Miller's generator, as in `tools/evaluation_golden.m` and `tools/roc_golden.py`. */
function generator(seed: number): (count: number) => number[] {
  let state = seed;
  return (count) =>
    Array.from({ length: count }, () => {
      state = (16807 * state) % 2147483647;
      return (state % 1048576) / 1048576 - 0.5;
    });
}

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T;
}

interface FoldCase {
  seed: number;
  folds: number;
  each: number;
  size: number;
  noise: number;
  offset: number;
  accuracies: number[];
  thresholds: number[];
  plainAccuracies: number[];
  plainThresholds: number[];
}

/** The same pairs as `make_pairs` of the Octave script. */
function makePairs({ seed, folds, each, size, noise, offset }: FoldCase): [Embeddings, FoldedPairs] {
  const draw = generator(seed);
  const rows: number[] = [];
  const same: number[] = [];
  const fold: number[] = [];
  for (let f = 0; f < folds; f++) {
    for (const kind of [1, 0]) {
      for (let i = 0; i < each; i++) {
        const a = draw(size);
        const b = kind === 1 ? a : draw(size);
        for (const identity of [a, b]) {
          const deviation = draw(size);
          rows.push(...identity.map((value, k) => value + noise * deviation[k] + offset));
        }
        same.push(kind);
        fold.push(f);
      }
    }
  }
  const count = same.length;
  return [
    { data: Float64Array.from(rows), count: 2 * count, size },
    {
      left: Int32Array.from({ length: count }, (_, i) => 2 * i),
      right: Int32Array.from({ length: count }, (_, i) => 2 * i + 1),
      same: Uint8Array.from(same),
      fold: Uint32Array.from(fold),
      folds,
    },
  ];
}

describe('published protocol against GNU Octave', () => {
  const { tied, cases } = golden<{
    tied: { scores: number[]; same: number[]; threshold: number; accuracy: number };
    cases: FoldCase[];
  }>('published-folds.golden.json');

  it.each(cases)('seed $seed: $folds folds of $each + $each pairs, size $size', (expected) => {
    const [embeddings, pairs] = makePairs(expected);
    const published = publishedFolds(embeddings, pairs);
    expect(published.folds.map((fold) => fold.accuracy)).toEqual(expected.accuracies);
    expect(published.folds.map((fold) => fold.threshold)).toEqual(expected.thresholds);
    const plain = plainFolds(embeddings, pairs);
    expect(plain.folds.map((fold) => fold.accuracy)).toEqual(expected.plainAccuracies);
    expect(plain.folds.map((fold) => fold.threshold)).toEqual(expected.plainThresholds);
  });

  it('treats scores exactly on a threshold as wrong on either side', () => {
    const scores = Float64Array.from(tied.scores);
    const same = Uint8Array.from(tied.same);
    const { threshold } = bestGridThreshold(scores, same);
    expect(threshold).toBe(tied.threshold);
    expect(accuracyAt(scores, same, threshold)).toBe(tied.accuracy);
  });
});

interface RocCase {
  seed: number;
  count: number;
  shift: number;
  quantum: number;
  matched: number;
  mismatched: number;
  auc: number;
  eer: number;
  tarAtFar: Record<string, number>;
  bestAccuracy: number;
  fpr?: number[];
  tpr?: number[];
  thresholds?: number[];
  detFpr?: number[];
  detFnr?: number[];
}

describe('ROC family against scikit-learn', () => {
  it.each(golden<RocCase[]>('roc.golden.json'))('$count pairs, scores in steps of 1/$quantum', (expected) => {
    const labels = generator(expected.seed)(expected.count).map((value) => Number(value < 0));
    const scores = generator(expected.seed + 1)(expected.count).map((value, i) => {
      const score = value + expected.shift * labels[i];
      return expected.quantum === 0 ? score : Math.floor(score * expected.quantum) / expected.quantum;
    });
    const curve = rocCurve(Float64Array.from(scores), Uint8Array.from(labels));
    expect([curve.matched, curve.mismatched]).toEqual([expected.matched, expected.mismatched]);
    // Sums of rounded rates there, whole numbers here: equal to a few units in the last place.
    expect(areaUnderCurve(curve)).toBeCloseTo(expected.auc, 13);
    expect(equalErrorRate(curve)).toBeCloseTo(expected.eer, 12);
    for (const [far, tar] of Object.entries(expected.tarAtFar)) expect(trueAcceptRateAt(curve, Number(far))).toBe(tar);
    expect(bestThreshold(curve).accuracy).toBeCloseTo(expected.bestAccuracy, 13);
    if (expected.fpr === undefined) return;
    expect([...curve.thresholds]).toEqual(expected.thresholds);
    expect([...curve.falseAccepts].map((count) => count / curve.mismatched)).toEqual(expected.fpr);
    expect([...curve.trueAccepts].map((count) => count / curve.matched)).toEqual(expected.tpr);
    // det_curve drops points beyond the ends; every point it keeps must be ours.
    const points = new Set([...curve.thresholds].map((_, i) => rates(curve.falseAccepts[i], curve.trueAccepts[i])));
    function rates(falseAccepts: number, trueAccepts: number): string {
      return `${(falseAccepts / curve.mismatched).toFixed(12)} ${((curve.matched - trueAccepts) / curve.matched).toFixed(12)}`;
    }
    points.add(rates(0, 0));
    for (const [i, far] of expected.detFpr!.entries()) {
      expect(points).toContain(`${far.toFixed(12)} ${expected.detFnr![i].toFixed(12)}`);
    }
  });
});
