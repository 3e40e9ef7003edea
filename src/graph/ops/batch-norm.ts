// Batch normalisation (Ioffe and Szegedy, 2015), composed of simpler ops so that its gradient needs no rule of its own.
import { requireRank } from '../shapes.js';
import type { Value } from '../value.js';
import { add, mul, shift, sub } from './arithmetic.js';
import { reciprocal, sqrt, square } from './elementwise.js';
import { reshape } from './layout.js';
import { mean } from './reduction.js';

export interface BatchNormParameters {
  /** [c]. */
  readonly gamma: Value;
  /** [c]. */
  readonly beta: Value;
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

const perChannel = (v: Value): Value => reshape(v, [1, -1, 1, 1]);

/** Normalises x [n, c, h, w] by the batch's own statistics: y, and the mean and (biased) variance [c] for running averages. */
export function batchNormTraining(
  x: Value,
  { gamma, beta, epsilon = 1e-5 }: BatchNormParameters,
): { y: Value; mean: Value; variance: Value } {
  requireRank('batchNorm', x, 4);
  const axes = [0, 2, 3];
  const center = mean(x, { axes, keepDims: true });
  const centered = sub(x, center);
  const variance = mean(square(centered), { axes, keepDims: true });
  const factor = mul(perChannel(gamma), reciprocal(sqrt(shift(variance, epsilon))));
  const y = add(mul(centered, factor), perChannel(beta));
  return { y, mean: reshape(center, [-1]), variance: reshape(variance, [-1]) };
}

/** Normalises x [n, c, h, w] by stored statistics [c]. */
export function batchNormInference(
  x: Value,
  { gamma, beta, epsilon = 1e-5 }: BatchNormParameters,
  statistics: { readonly mean: Value; readonly variance: Value },
): Value {
  const factor = mul(gamma, reciprocal(sqrt(shift(statistics.variance, epsilon))));
  const offset = sub(beta, mul(statistics.mean, factor));
  return add(mul(x, perChannel(factor)), perChannel(offset));
}
