// Softmax cross-entropy: the classification loss that every logit-shaped margin ends in.
import { logSoftmax, mean, neg, pickLabel, type Value } from '../graph/index.js';

/**
 * Mean over the batch of −log softmax at the label.
 * @param logits [n, classes]; @param labels int64 [n], 0 … classes − 1. @returns a single number.
 */
export function crossEntropy(logits: Value, labels: Value): Value {
  return neg(mean(pickLabel(logSoftmax(logits), labels)));
}

/**
 * The cross-entropy at equal logits but for the target's, which is lower than the others by `gap`: ln(classes) for a gap of 0.
 * @param classes 2 or more.
 */
export function uninformedCrossEntropy(classes: number, gap = 0): number {
  return Math.log1p(Math.exp(Math.log(classes - 1) + gap));
}
