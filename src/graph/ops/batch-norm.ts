// Batch normalisation (Ioffe and Szegedy, 2015), composed of simpler ops so that its gradient needs no rule of its own.
import { requireRank } from '../shapes.js';
import type { Value } from '../value.js';
import { mul, scale, shift, sub } from './arithmetic.js';
import { channelAffine, channelMoments } from './channels.js';
import { reciprocal, relu, sqrt, square } from './elementwise.js';

export interface BatchNormParameters {
  /** [c]. */
  readonly gamma: Value;
  /** [c]. */
  readonly beta: Value;
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

/** Mean and (biased) variance of each channel, [c]. */
interface Statistics {
  readonly mean: Value;
  readonly variance: Value;
}

function normalise(x: Value, { gamma, beta, epsilon = 1e-5 }: BatchNormParameters, statistics: Statistics): Value {
  const factor = mul(gamma, reciprocal(sqrt(shift(statistics.variance, epsilon))));
  return channelAffine(x, factor, sub(beta, mul(statistics.mean, factor)));
}

/**
 * Normalises x [n, c, h, w] by the batch's own statistics: y, and the mean and (biased) variance [c] for running averages. The variance
 * is the mean square less the squared mean, which takes one pass over x; a channel whose mean is k times its deviation loses k²
 * of float32's 10⁷ in it.
 */
export function batchNormTraining(
  x: Value,
  parameters: BatchNormParameters,
): { y: Value; mean: Value; variance: Value } {
  requireRank('batchNorm', x, 4);
  const { sum, squares } = channelMoments(x);
  const share = x.shape[1] / x.size;
  const mean = scale(sum, share);
  const variance = relu(sub(scale(squares, share), square(mean)));
  return { y: normalise(x, parameters, { mean, variance }), mean, variance };
}

/** Normalises x [n, c, h, w] by stored statistics [c]. */
export function batchNormInference(x: Value, parameters: BatchNormParameters, statistics: Statistics): Value {
  return normalise(x, parameters, statistics);
}
