// Classification losses that are put together from single classes: what lets a classifier be divided among processes by its rows.
import { mean, scale, sum, type Value } from '../graph/index.js';
import { crossEntropy } from './cross-entropy.js';
import type { Classification } from './margins/margin.js';

/** What a loss has for each image and class, [n, classes]. */
export type ClassLoss =
  /** `weight` times the cross-entropy of the logits at the labels. */
  | { readonly type: 'cross-entropy'; readonly logits: Value; readonly weight: number }
  /** Terms that are added up. */
  | { readonly type: 'sum'; readonly terms: Value };

/** A classification by the cross-entropy of logits [n, classes], times a weight. */
export function crossEntropyClassification(
  logits: Value,
  labels: Value,
  scores: Value,
  weight = 1,
): Required<Classification> {
  const loss = crossEntropy(logits, labels);
  return {
    loss: weight === 1 ? loss : scale(loss, weight),
    scores,
    byClass: { type: 'cross-entropy', logits, weight },
  };
}

/** A classification whose loss is a sum over classes of terms [n, classes], each of which looks at its own class alone. */
export function summedClassification(terms: Value, scores: Value): Required<Classification> {
  return { loss: mean(sum(terms, { axes: [1] })), scores, byClass: { type: 'sum', terms } };
}
