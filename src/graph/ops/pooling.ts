// Maximum and average pooling over windows of x [n, c, h, w].
import { requireDType, requireRank, ShapeError } from '../shapes.js';
import type { Op, Value } from '../value.js';
import {
  convOutputSize,
  geometryOf,
  type PoolGeometry,
  poolGeometryOf,
  type PoolOptions,
  poolOutputSize,
} from '../window-geometry.js';
import { lowerMaxPool, poolAttributes } from '../lowering/pooling.js';
import { convInputGradient } from './conv2d.js';
import { scatterAddElements } from './indexing.js';
import { reshape } from './layout.js';

/** Outputs: the maxima, and the position of each in the flattened x. */
const maxPoolOp: Op<PoolGeometry> = {
  name: 'maxPool2d',
  infer: ([x], attributes) => {
    requireDType('maxPool2d', x, 'float32');
    requireRank('maxPool2d', x, 4);
    const [oh, ow] = poolOutputSize(x.shape, attributes);
    if (oh < 1 || ow < 1) throw new ShapeError('maxPool2d', [x], 'a window that fits into the padded picture');
    const shape = [x.shape[0], x.shape[1], oh, ow];
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
  emit: lowerMaxPool,
  gradient: ({ inputs: [x], outputs: [y, positions] }, [dy]) => {
    const zeros = x.graph.constant(new Float32Array(x.size), [x.size]);
    const flat = scatterAddElements(zeros, reshape(positions, [y.size]), reshape(dy!, [y.size]), 0);
    return [reshape(flat, x.shape)];
  },
};

/** The largest element of each window; the gradient goes to the first that attains it. */
export function maxPool2d(x: Value, options: PoolOptions): Value {
  return x.graph.apply(maxPoolOp, [x], poolGeometryOf(options))[0];
}

const averagePoolOp: Op<PoolGeometry> = {
  name: 'averagePool2d',
  half: 'elementwise',
  infer: ([x], attributes) => {
    requireDType('averagePool2d', x, 'float32');
    requireRank('averagePool2d', x, 4);
    const { kernel, stride, padding } = attributes;
    const [oh, ow] = convOutputSize([x.shape[2], x.shape[3]], kernel, geometryOf({ stride, padding }));
    if (oh < 1 || ow < 1) throw new ShapeError('averagePool2d', [x], 'a window that fits into the padded picture');
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], oh, ow] }];
  },
  emit: (emitter, { inputs: [x], attributes, outputs: [y] }) => {
    emitter.node('AveragePool', [emitter.nameOf(x)], {
      attributes: { ...poolAttributes(attributes), count_include_pad: 1 },
      outputs: [emitter.nameOf(y)],
    });
  },
  // The average is a depthwise convolution with equal weights.
  gradient: ({ inputs: [x], attributes: { kernel, stride, padding } }, [dy]) => {
    const [, c] = x.shape;
    const area = kernel[0] * kernel[1];
    const weights = x.graph.constant(new Float32Array(c * area).fill(1 / area), [c, 1, ...kernel]);
    return [convInputGradient(dy!, weights, x.shape, geometryOf({ stride, padding, groups: c }))];
  },
};

/** The mean of each window; padding counts as zeros, and the output size is rounded down. */
export function averagePool2d(x: Value, options: Omit<PoolOptions, 'rounding'>): Value {
  return x.graph.apply(averagePoolOp, [x], poolGeometryOf(options))[0];
}
