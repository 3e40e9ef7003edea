// Arithmetic with one number per channel of x [n, c, …], in the few passes over memory that it needs: of this batch normalisation and
// PReLU are made.
import { lowerChannelAffine, lowerChannelDot, lowerChannelMoments } from '../lowering/channels.js';
import { requireDType, sameShape, ShapeError } from '../shapes.js';
import type { Op, Value } from '../value.js';
import { mul, scale, sub } from './arithmetic.js';
import { sum } from './reduction.js';

type NoAttributes = Record<string, never>;

const affineOp: Op<NoAttributes> = {
  name: 'channelAffine',
  half: 'elementwise',
  infer: (inputs) => {
    const [x, ...perChannel] = inputs;
    requireDType('channelAffine', x, 'float32');
    if (x.rank < 2 || perChannel.some(({ rank, shape }) => rank !== 1 || shape[0] !== x.shape[1]))
      throw new ShapeError('channelAffine', inputs, 'x [n, c, …], a factor [c] and an offset [c]');
    return [x];
  },
  emit: lowerChannelAffine,
  gradient: ({ inputs: [x, factor] }, [dy], needed) => [
    needed[0] ? channelAffine(dy!, factor) : undefined,
    needed[1] ? channelDot(dy!, x) : undefined,
    needed[2] ? channelSum(dy!) : undefined,
  ],
};

/** `factor · x + offset` with factor and offset [c] over x [n, c, …]. */
export function channelAffine(x: Value, factor: Value, offset?: Value): Value {
  return x.graph.apply(affineOp, offset === undefined ? [x, factor] : [x, factor, offset], {})[0];
}

const dotOp: Op<NoAttributes> = {
  name: 'channelDot',
  infer: ([x, y]) => {
    requireDType('channelDot', x, 'float32');
    if (x.rank < 2 || !sameShape(x.shape, y.shape))
      throw new ShapeError('channelDot', [x, y], 'two values [n, c, …] of one shape');
    return [{ dtype: x.dtype, shape: [x.shape[1]] }];
  },
  emit: lowerChannelDot,
  gradient: ({ inputs: [x, y] }, [dz], needed) => [
    needed[0] ? channelAffine(y, dz!) : undefined,
    needed[1] ? channelAffine(x, dz!) : undefined,
  ],
};

/** The inner product of each channel of x and y [n, c, …]: [c]. */
export function channelDot(x: Value, y: Value): Value {
  return x.graph.apply(dotOp, [x, y], {})[0];
}

/** The sum of each channel of x [n, c, …]: [c]. */
function channelSum(x: Value): Value {
  return sum(x, { axes: x.shape.map((_, axis) => axis).filter((axis) => axis !== 1) });
}

const momentsOp: Op<NoAttributes> = {
  name: 'channelMoments',
  infer: ([x]) => {
    requireDType('channelMoments', x, 'float32');
    if (x.rank < 2) throw new ShapeError('channelMoments', [x], 'x [n, c, …]');
    const moment = { dtype: x.dtype, shape: [x.shape[1]] };
    return [moment, moment];
  },
  emit: lowerChannelMoments,
  // (dMean + 2 dVariance (x − mean)) / count, in one pass: the variance does not change with the mean that it is taken about.
  gradient: ({ inputs: [x], outputs: [mean] }, [dMean, dVariance]) => {
    const share = mean.size / x.size;
    const zero = scale(mean, 0);
    const slope = dVariance === undefined ? zero : scale(dVariance, 2 * share);
    const level = dMean === undefined ? zero : scale(dMean, share);
    return [channelAffine(x, slope, sub(level, mul(slope, mean)))];
  },
};

/** Mean and (biased) variance of each channel of x [n, c, …]: [c] both. */
export function channelMoments(x: Value): { readonly mean: Value; readonly variance: Value } {
  const [mean, variance] = x.graph.apply(momentsOp, [x], {});
  return { mean, variance };
}
