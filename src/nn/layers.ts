// Layers: functions that declare their parameters and apply their ops.
import {
  add,
  batchNormInference,
  batchNormTraining,
  conv2d,
  flatten,
  matmul,
  mean,
  mix,
  mul,
  prelu,
  relu,
  scale,
  sigmoid,
  stopGradient,
  type Value,
} from '../graph/index.js';
import type { Filler } from './fillers.js';
import type { NetworkBuilder } from './parameters.js';

/** How a layer's bias learns; `none`: the layer has no bias. */
export type BiasRule =
  /** Learning rate 2, no decay: Caffe's customary bias. */
  | 'caffe'
  /** Present in the file, but held at zero: the residual units of the published network (recipe A.3). */
  | 'frozen'
  | 'none';

export interface ConvolutionOptions {
  readonly out: number;
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default 0. */
  readonly padding?: number;
  /** Default 1. */
  readonly groups?: number;
  /** Default xavier. */
  readonly filler?: Filler;
  /** Default `none`. */
  readonly bias?: BiasRule;
}

const biasMultipliers: Readonly<
  Record<Exclude<BiasRule, 'none'>, { learningRateMultiplier: number; decayMultiplier: number }>
> = {
  caffe: { learningRateMultiplier: 2, decayMultiplier: 0 },
  frozen: { learningRateMultiplier: 0, decayMultiplier: 0 },
};

function biasOf(net: NetworkBuilder, name: string, size: number, rule: BiasRule): Value | undefined {
  if (rule === 'none') return undefined;
  return net.parameter({
    name: `${name}.bias`,
    role: 'bias',
    shape: [size],
    filler: { type: 'constant', value: 0 },
    ...biasMultipliers[rule],
  });
}

/** Square convolution over x [n, c, h, w]. Parameters `NAME.weight` [out, c / groups, k, k] and, with a bias, `NAME.bias` [out]. */
export function convolution(net: NetworkBuilder, name: string, x: Value, options: ConvolutionOptions): Value {
  const { out, kernel, stride = 1, padding = 0, groups = 1, filler = { type: 'xavier' }, bias = 'none' } = options;
  const shape = [out, x.shape[1] / groups, kernel, kernel];
  const weight = net.parameter({ name: `${name}.weight`, role: 'filters', shape, filler });
  return conv2d(x, weight, { stride, padding, groups, bias: biasOf(net, name, out, bias) });
}

/**
 * PReLU with one slope per channel, 0.25 at the start. Parameter `NAME.slope` [c].
 * @param decay of the slopes relative to that of weights: 1 is Caffe's, 0 for none.
 */
export function parametricRelu(net: NetworkBuilder, name: string, x: Value, { decay = 1 } = {}): Value {
  const slope = net.parameter({
    name: `${name}.slope`,
    role: 'slope',
    shape: [x.shape[1]],
    filler: { type: 'constant', value: 0.25 },
    decayMultiplier: decay,
  });
  return prelu(x, slope);
}

export interface FullyConnectedOptions {
  readonly out: number;
  /** Default xavier. */
  readonly filler?: Filler;
  /** Default `caffe`. */
  readonly bias?: BiasRule;
}

/** x [n, …] times a matrix: [n, out]. Parameters `NAME.weight` [out, in] and, with a bias, `NAME.bias` [out]. */
export function fullyConnected(net: NetworkBuilder, name: string, x: Value, options: FullyConnectedOptions): Value {
  const { out, filler = { type: 'xavier' }, bias = 'caffe' } = options;
  const flat = x.rank === 2 ? x : flatten(x);
  const weight = net.parameter({ name: `${name}.weight`, role: 'weight', shape: [out, flat.shape[1]], filler });
  const y = matmul(flat, weight, { transposeB: true });
  const offset = biasOf(net, name, out, bias);
  return offset === undefined ? y : add(y, offset);
}

/**
 * Squeeze and excitation (Hu et al., CVPR 2018): each channel of x [n, c, h, w] times a number between 0 and 1 that two layers make of the
 * means of all channels. Layers `NAME.squeeze` [c / reduction, c, 1, 1] and `NAME.excite` [c, c / reduction, 1, 1].
 */
export function squeezeExcitation(net: NetworkBuilder, name: string, x: Value, reduction: number): Value {
  const channels = x.shape[1];
  const out = Math.max(1, Math.round(channels / reduction));
  const means = mean(x, { axes: [2, 3], keepDims: true });
  const squeezed = relu(convolution(net, `${name}.squeeze`, means, { out, kernel: 1, bias: 'caffe' }));
  const excited = convolution(net, `${name}.excite`, squeezed, { out: channels, kernel: 1, bias: 'caffe' });
  return mul(x, sigmoid(excited));
}

/** Share of a new batch in the running statistics, where nothing else is said. */
export const defaultStatisticsMomentum = 0.1;

/** Mean and variance of each channel, [c]. */
export interface ChannelStatistics {
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Running statistics moved towards those of a batch, of whose variance (biased) the unbiased form is taken. No gradient passes.
 * @param count values of each channel in the batch. @param share how far they move, in (0, 1].
 */
export function movedStatistics(
  running: ChannelStatistics,
  batch: ChannelStatistics,
  count: number,
  share: number,
): ChannelStatistics {
  const unbiased = scale(batch.variance, count / Math.max(count - 1, 1));
  return {
    mean: mix(running.mean, stopGradient(batch.mean), share),
    variance: mix(running.variance, stopGradient(unbiased), share),
  };
}

/**
 * Batch normalisation over x [n, c, …]. Parameters `NAME.gamma`, `NAME.beta` [c], statistics `NAME.mean`, `NAME.variance` [c].
 * Training normalises by the batch, and each pass moves the running statistics (unbiased variance) towards the batch's.
 * @param statisticsMomentum how far they move, in (0, 1]: 1 keeps nothing of the past.
 */
export function batchNorm(
  net: NetworkBuilder,
  name: string,
  x: Value,
  { statisticsMomentum = defaultStatisticsMomentum } = {},
): Value {
  const shape = [x.shape[1]];
  const trained = (part: string, role: 'scale' | 'offset', value: number): Value =>
    net.parameter({
      name: `${name}.${part}`,
      role,
      shape,
      filler: { type: 'constant', value },
      decayMultiplier: 0,
    });
  const statistic = (part: string, value: number): Value =>
    net.parameter({ name: `${name}.${part}`, role: 'statistic', shape, filler: { type: 'constant', value } });
  const affine = { gamma: trained('gamma', 'scale', 1), beta: trained('beta', 'offset', 0) };
  const running = { mean: statistic('mean', 0), variance: statistic('variance', 1) };
  switch (net.mode) {
    case 'inference':
      return batchNormInference(x, affine, running);
    case 'training': {
      const { y, mean, variance } = batchNormTraining(x, affine);
      const moved = movedStatistics(running, { mean, variance }, x.size / x.shape[1], statisticsMomentum);
      net.statistics.set(`${name}.mean`, moved.mean).set(`${name}.variance`, moved.variance);
      return y;
    }
    default:
      return net.mode satisfies never;
  }
}
