// The classification loss where a classifier's rows are divided among processes or blocks: what each brings, how the parts become the
// loss, and the function whose gradients, added up over the parts, are the loss's.
import { exp, hasLabel, mul, pickLabel, reduceMax, reshape, scale, sub, sum, type Value } from '../graph/index.js';
import { SphereFaceError } from '../common/errors.js';
import type { ClassLoss } from './class-loss.js';
import type { Classification } from './margins/margin.js';

/** What some rows bring to the loss, a number for each image: [n]. */
export interface LossPart {
  /** The largest logit; 0 for a loss that is a sum. Joined by maximum. */
  readonly largest: Value;
  /** Σ_j exp(logit_j − largest), or the sum of the terms. */
  readonly total: Value;
  /** The logit at the label, 0 where it is elsewhere. Joined by sum. */
  readonly target: Value;
  /** The largest score, joined by maximum, and that at the label, 0 where it is elsewhere, joined by sum. */
  readonly nearest: Value;
  readonly own: Value;
}

/** @param labels int64 [n], −1 where the label's row is elsewhere. */
export function lossPart(byClass: ClassLoss, scores: Value, labels: Value): LossPart {
  const here = hasLabel(labels);
  const nearest = reduceMax(scores, { axes: [1] });
  const own = mul(pickLabel(scores, labels), here);
  switch (byClass.type) {
    case 'cross-entropy': {
      const { logits } = byClass;
      const largest = reduceMax(logits, { axes: [1] });
      const above = sub(logits, reshape(largest, [largest.size, 1]));
      const total = sum(exp(above), { axes: [1] });
      return { largest, total, target: mul(pickLabel(logits, labels), here), nearest, own };
    }
    case 'sum': {
      const zero = scale(own, 0);
      return { largest: zero, total: sum(byClass.terms, { axes: [1] }), target: zero, nearest, own };
    }
    default:
      return byClass satisfies never;
  }
}

/**
 * A single number whose gradients with respect to features and rows are this part's share of the loss's: with p_ij = exp(z_ij − ℓ_i)
 * and ℓ the logarithm of the whole normaliser, (Σ_j p_ij − z_iy) / n has the gradient (p_ij − [j = y_i]) / n of the cross-entropy.
 * @param logNormaliser [n]: ℓ, a constant to differentiation.
 */
export function lossShare(byClass: ClassLoss, labels: Value, logNormaliser: Value): Value {
  const n = labels.size;
  switch (byClass.type) {
    case 'cross-entropy': {
      const { logits, weight } = byClass;
      const probabilities = exp(sub(logits, reshape(logNormaliser, [n, 1])));
      const target = mul(pickLabel(logits, labels), hasLabel(labels));
      return scale(sub(sum(probabilities), sum(target)), weight / n);
    }
    case 'sum':
      return scale(sum(byClass.terms), 1 / n);
    default:
      return byClass satisfies never;
  }
}

/** The joined parts of an image. */
export interface JoinedPart {
  readonly largest: number;
  readonly total: number;
  readonly target: number;
}

/** ℓ = ln Σ_j exp(z_j) of an image. */
export function logNormaliserOf({ largest, total }: Pick<JoinedPart, 'largest' | 'total'>): number {
  return largest + Math.log(total);
}

/** How joined parts become the loss. */
export type LossForm = { readonly type: 'cross-entropy'; readonly weight: number } | { readonly type: 'sum' };

/** The loss of an image. */
export function lossOf(part: JoinedPart, form: LossForm): number {
  switch (form.type) {
    case 'cross-entropy':
      return form.weight * (logNormaliserOf(part) - part.target);
    case 'sum':
      return part.total;
    default:
      return form satisfies never;
  }
}

/**
 * What a margin's loss is made of class by class.
 * @throws SphereFaceError for a margin that has no such form.
 */
export function requireByClass({ byClass }: Classification, margin: string): ClassLoss {
  if (byClass !== undefined) return byClass;
  throw new SphereFaceError(`The margin "${margin}" cannot be computed on a part of the classifier.`, {
    got: 'a loss of which only the whole is given',
    expected: 'a classification with byClass, as crossEntropyClassification and summedClassification give it',
    next: 'set solver.classifier to dense',
  });
}
