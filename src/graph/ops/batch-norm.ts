// Batch normalisation (Ioffe and Szegedy, 2015), composed of simpler ops so that its gradient needs no rule of its own.
import type { Value } from '../value.js';
import { mul, shift, sub } from './arithmetic.js';
import { channelAffine, channelMoments } from './channels.js';
import { reciprocal, sqrt } from './elementwise.js';

export interface BatchNormParameters {
  /** [c]. */
  readonly gamma: Value;
  /** [c]. */
  readonly beta: Value;
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

/** Mean and (biased) variance of each channel, [c]. */
export interface Statistics {
  readonly mean: Value;
  readonly variance: Value;
}

function normalise(x: Value, { gamma, beta, epsilon = 1e-5 }: BatchNormParameters, statistics: Statistics): Value {
  const factor = mul(gamma, reciprocal(sqrt(shift(statistics.variance, epsilon))));
  return channelAffine(x, factor, sub(beta, mul(statistics.mean, factor)));
}

/** Normalises x [n, c, …] by the batch's own statistics: y, and the mean and (biased) variance [c] for running averages. */
export function batchNormTraining(
  x: Value,
  parameters: BatchNormParameters,
): { y: Value; mean: Value; variance: Value } {
  const moments = channelMoments(x);
  return { y: normalise(x, parameters, moments), ...moments };
}

/** Normalises x [n, c, …] by stored statistics [c]. */
export function batchNormInference(x: Value, parameters: BatchNormParameters, statistics: Statistics): Value {
  return normalise(x, parameters, statistics);
}
