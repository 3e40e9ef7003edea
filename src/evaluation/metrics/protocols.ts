// The verification protocols: how thresholds are chosen and on which pairs accuracy is then counted.
import { SphereFaceError } from '../../common/errors.js';
import { accuracyOf } from './comparison.js';
import { rocCurve } from './roc.js';
import { centredCosineScores, cosineScores, type Embeddings, meansOfOtherFolds, type PairSet } from './scores.js';
import { bestGridThreshold, bestThreshold, decidedRightly } from './threshold.js';

/** Every protocol, by the name it has in all outputs. */
export const protocols = ['10-fold', 'k-fold', 'view1', 'best-threshold'] as const;
export type Protocol = (typeof protocols)[number];

/** One sentence per protocol for people who read a report. */
export const protocolDescriptions: Readonly<Record<Protocol, string>> = {
  '10-fold':
    'LFW view 2 as published for SphereFace: in each of ten folds the mean embedding of the other nine is subtracted, ' +
    'the threshold is the mean of all best of 20,001 cosine thresholds on those nine, and accuracy is counted on the fold.',
  'k-fold':
    'Plain k-fold: cosine without mean subtraction; in each fold the threshold is the mean of all best of 20,001 on the ' +
    'other folds, and accuracy is counted on the fold.',
  view1:
    'View 1: cosine; the threshold is the mean of all best of 20,001 on one set of pairs (development training), and ' +
    'accuracy is counted on another (development test).',
  'best-threshold':
    'Best single threshold: cosine; the threshold that is best on the very pairs accuracy is counted on. Optimistic: ' +
    'not comparable with a held-out accuracy.',
};

/** What a fold of a protocol decided. */
export interface FoldOutcome {
  /** In [0, 1]. */
  readonly accuracy: number;
  readonly threshold: number;
  /** Pairs that accuracy was counted on. */
  readonly pairs: number;
}

/** The outcome of a protocol; the arrays have an element per pair, in the order of the pairs. */
export interface ProtocolOutcome {
  readonly folds: readonly FoldOutcome[];
  /** The score that each pair was decided by. */
  readonly scores: Float64Array;
  /** The fold each pair was tested in. */
  readonly fold: Uint32Array;
  /** 1 where the decision was right. */
  readonly correct: Uint8Array;
}

/** Pairs with the fold of each, 0 … `folds` − 1. */
export interface FoldedPairs extends PairSet {
  readonly fold: Uint32Array;
  readonly folds: number;
}

/** LFW view 2 as published (recipe of SphereFace's `evaluation.m`), for any number of folds. */
export function publishedFolds(embeddings: Embeddings, pairs: FoldedPairs): ProtocolOutcome {
  const means = meansOfOtherFolds(embeddings, pairs, pairs.fold, pairs.folds);
  return overFolds(pairs, (held, select) => centredCosineScores(embeddings, pairs, means[held], select));
}

/** k-fold cross-validation on plain cosine. */
export function plainFolds(embeddings: Embeddings, pairs: FoldedPairs): ProtocolOutcome {
  const scores = cosineScores(embeddings, pairs);
  return overFolds(pairs, (_, select) => gather(scores, select));
}

/** The threshold from `training` pairs, accuracy on `test` pairs; both refer to the same embeddings. */
export function view1(embeddings: Embeddings, training: PairSet, test: PairSet): ProtocolOutcome {
  const { threshold } = bestGridThreshold(cosineScores(embeddings, training), training.same);
  return singleFold(cosineScores(embeddings, test), test.same, threshold);
}

/** The best single threshold on all pairs at once. */
export function bestSingleThreshold(embeddings: Embeddings, pairs: PairSet): ProtocolOutcome {
  const scores = cosineScores(embeddings, pairs);
  return singleFold(scores, pairs.same, bestThreshold(rocCurve(scores, pairs.same)).threshold);
}

/**
 * Folds for pairs that come without: matched and mismatched pairs are each cut into `folds` runs of neighbours, so
 * that lists sorted by name keep a person's pairs together.
 */
export function foldsByPosition(same: Uint8Array, folds: number): Uint32Array {
  const totals = [0, 0];
  for (const label of same) totals[label]++;
  if (Math.min(...totals) < folds) {
    throw new SphereFaceError(`Too few pairs for ${folds} folds`, {
      got: `${totals[1]} matched and ${totals[0]} mismatched pairs`,
      expected: `at least ${folds} of each`,
      next: 'use fewer folds (k-fold) or the best-threshold protocol',
    });
  }
  const seen = [0, 0];
  return Uint32Array.from(same, (label) => Math.floor((seen[label]++ * folds) / totals[label]));
}

/** Mean and spread of the folds' accuracies. */
export function summarise(folds: readonly FoldOutcome[]): {
  readonly mean: number;
  /** Sample standard deviation over the folds (n − 1); null for a single fold. */
  readonly std: number | null;
  /** `std` / sqrt(folds), which LFW reports after the ± sign; null for a single fold. */
  readonly standardError: number | null;
} {
  const mean = folds.reduce((sum, fold) => sum + fold.accuracy, 0) / folds.length;
  if (folds.length < 2) return { mean, std: null, standardError: null };
  const squares = folds.reduce((sum, fold) => sum + (fold.accuracy - mean) ** 2, 0);
  const std = Math.sqrt(squares / (folds.length - 1));
  return { mean, std, standardError: std / Math.sqrt(folds.length) };
}

/** Cross-validation: `score(held, select)` gives the scores of the selected pairs while fold `held` is tested. */
function overFolds(pairs: FoldedPairs, score: (held: number, select: Uint32Array) => Float64Array): ProtocolOutcome {
  if (pairs.folds < 2) {
    throw new SphereFaceError('Cross-validation needs at least two folds', { got: `${pairs.folds}` });
  }
  const scores = new Float64Array(pairs.same.length);
  const correct = new Uint8Array(pairs.same.length);
  const folds: FoldOutcome[] = [];
  for (let held = 0; held < pairs.folds; held++) {
    const training = indicesWhere(pairs.fold, (fold) => fold !== held);
    const test = indicesWhere(pairs.fold, (fold) => fold === held);
    if (test.length === 0 || training.length === 0) {
      throw new SphereFaceError(`Fold ${held + 1} of ${pairs.folds} cannot be tested`, {
        got: `${test.length} pairs in it and ${training.length} in the others`,
        expected: 'pairs in every fold',
        next: 'find the missing images, or use fewer folds',
      });
    }
    const { threshold } = bestGridThreshold(score(held, training), gather(pairs.same, training));
    const testScores = score(held, test);
    let right = 0;
    test.forEach((pair, i) => {
      scores[pair] = testScores[i];
      correct[pair] = decidedRightly(testScores[i], pairs.same[pair], threshold);
      right += correct[pair];
    });
    folds.push({ accuracy: right / test.length, threshold, pairs: test.length });
  }
  return { folds, scores, fold: pairs.fold, correct };
}

function singleFold(scores: Float64Array, same: Uint8Array, threshold: number): ProtocolOutcome {
  const correct = Uint8Array.from(scores, (score, i) => decidedRightly(score, same[i], threshold));
  return {
    folds: [{ accuracy: accuracyOf(correct), threshold, pairs: scores.length }],
    scores,
    fold: new Uint32Array(scores.length),
    correct,
  };
}

function indicesWhere(values: Uint32Array, wanted: (value: number) => boolean): Uint32Array {
  const indices = new Uint32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (wanted(values[i])) indices[count++] = i;
  return indices.subarray(0, count);
}

function gather<T extends Float64Array | Uint8Array>(values: T, indices: Uint32Array): T {
  const gathered = new (values.constructor as new (length: number) => T)(indices.length);
  for (let i = 0; i < indices.length; i++) gathered[i] = values[indices[i]];
  return gathered;
}
