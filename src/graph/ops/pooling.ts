// Maximum and average pooling over windows of x [n, c, h, w].
import { requireDType, requireRank, ShapeError } from '../shapes.js';
import type { Emitter } from '../onnx/emitter.js';
import type { Op, Shape, Value } from '../value.js';
import { convInputGradient, convOutputSize, geometryOf, type Pair } from './conv2d.js';
import { scatterAddElements } from './indexing.js';
import { reshape } from './layout.js';

export interface PoolOptions {
  readonly kernel: number | Pair;
  /** Default: the kernel's size. */
  readonly stride?: number | Pair;
  /** Default 0. */
  readonly padding?: number | Pair;
  /**
   * How to round the output size: `floor` drops windows that reach over the far edge, `ceil` keeps those that start inside
   * the picture (Caffe's rule). Default `floor`.
   */
  readonly rounding?: 'floor' | 'ceil';
}

interface PoolAttributes extends Record<string, unknown> {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly rounding: 'floor' | 'ceil';
}

function attributesOf({ kernel, stride = kernel, padding = 0, rounding = 'floor' }: PoolOptions): PoolAttributes {
  const pair = (value: number | Pair): Pair => (typeof value === 'number' ? [value, value] : value);
  return { kernel: pair(kernel), stride: pair(stride), padding: pair(padding), rounding };
}

function outputSize(x: Value, { kernel, stride, padding, rounding }: PoolAttributes): Pair {
  const round = rounding === 'ceil' ? Math.ceil : Math.floor;
  const size = (axis: 0 | 1): number => {
    const input = x.shape[axis + 2];
    const count = round((input + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
    return (count - 1) * stride[axis] >= input + padding[axis] ? count - 1 : count;
  };
  return [size(0), size(1)];
}

const onnxAttributes = ({ kernel, stride, padding, rounding }: PoolAttributes) => ({
  kernel_shape: kernel,
  strides: stride,
  pads: [...padding, ...padding],
  ceil_mode: rounding === 'ceil' ? 1 : 0,
});

/**
 * As {@link onnxAttributes}; but where `ceil` drops a window that would start behind the picture, ONNX versions disagree about the size:
 * the far side then gets as much padding as makes rounding down give it.
 */
function maxPoolAttributes(x: Value, y: Value, attributes: PoolAttributes) {
  const plain = onnxAttributes(attributes);
  const { kernel, stride, padding, rounding } = attributes;
  const far = ([0, 1] as const).map((axis) => {
    const input = x.shape[axis + 2];
    const count = y.shape[axis + 2];
    return {
      end: Math.max((count - 1) * stride[axis] + kernel[axis] - input - padding[axis], 0),
      dropped: Math.ceil((input + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1 > count,
    };
  });
  if (rounding === 'floor' || !far.some(({ dropped }) => dropped)) return plain;
  return { ...plain, pads: [...padding, ...far.map(({ end }) => end)], ceil_mode: 0 };
}

/** Below every float32 that a window could hold: padding never is a maximum. */
const lowest = -3.4e38;

/**
 * The positions of the maxima without MaxPool's second output, which WebGPU lacks: one shifted picture for each element of the window,
 * in row order, then the first largest among them.
 */
function positionsByComparison(
  emitter: Emitter,
  x: Value,
  { kernel, stride, padding }: PoolAttributes,
  [n, c, oh, ow]: Shape,
  output: string,
): void {
  const [, , h, w] = x.shape;
  const reach = [(oh - 1) * stride[0] + kernel[0], (ow - 1) * stride[1] + kernel[1]];
  const after = [Math.max(reach[0] - h - padding[0], 0), Math.max(reach[1] - w - padding[1], 0)];
  const padded = emitter.node('Pad', [
    emitter.nameOf(x),
    emitter.ints([0, 0, ...padding, 0, 0, ...after]),
    emitter.float(lowest),
  ]);
  const taps = [...Array(kernel[0] * kernel[1]).keys()].map((tap) => [Math.floor(tap / kernel[1]), tap % kernel[1]]);
  const shifted = taps.map(([row, column]) => {
    const starts = [row, column];
    const ends = [row + (oh - 1) * stride[0] + 1, column + (ow - 1) * stride[1] + 1];
    const ranges = [starts, ends, [2, 3], stride].map((values) => emitter.ints(values));
    return emitter.node('Unsqueeze', [emitter.node('Slice', [padded, ...ranges]), emitter.ints([-1])]);
  });
  const tap = emitter.node('ArgMax', [emitter.node('Concat', shifted, { attributes: { axis: -1 } })], {
    attributes: { axis: -1, keepdims: 0 },
  });
  // Position in the flattened x: that of the window's first element (which may lie in the padding) plus the element's offset in it.
  const offset = emitter.node('Gather', [emitter.ints(taps.map(([row, column]) => row * w + column)), tap]);
  const firsts = Array.from({ length: n * c * oh * ow }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / (oh * ow)), Math.floor(i / ow) % oh, i % ow];
    return (plane * h + row * stride[0] - padding[0]) * w + column * stride[1] - padding[1];
  });
  const first = emitter.node('Reshape', [emitter.ints(firsts), emitter.ints([n, c, oh, ow])]);
  emitter.node('Add', [first, offset], { outputs: [output] });
}

/** Outputs: the maxima, and the position of each in the flattened x. */
const maxPoolOp: Op<PoolAttributes> = {
  name: 'maxPool2d',
  infer: ([x], attributes) => {
    requireDType('maxPool2d', x, 'float32');
    requireRank('maxPool2d', x, 4);
    const [oh, ow] = outputSize(x, attributes);
    if (oh < 1 || ow < 1) throw new ShapeError('maxPool2d', [x], 'a window that fits into the padded picture');
    const shape = [x.shape[0], x.shape[1], oh, ow];
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
  emit: (emitter, { inputs: [x], attributes, outputs: [y, positions] }) => {
    const wanted = emitter.isUsed(positions);
    const together = wanted && emitter.target.device !== 'webgpu';
    emitter.node('MaxPool', [emitter.nameOf(x)], {
      attributes: maxPoolAttributes(x, y, attributes),
      outputs: together ? [emitter.nameOf(y), emitter.nameOf(positions)] : [emitter.nameOf(y)],
    });
    if (wanted && !together) positionsByComparison(emitter, x, attributes, y.shape, emitter.nameOf(positions));
  },
  gradient: ({ inputs: [x], outputs: [y, positions] }, [dy]) => {
    const zeros = x.graph.constant(new Float32Array(x.size), [x.size]);
    const flat = scatterAddElements(zeros, reshape(positions, [y.size]), reshape(dy!, [y.size]), 0);
    return [reshape(flat, x.shape)];
  },
};

/** The largest element of each window; the gradient goes to the first that attains it. */
export function maxPool2d(x: Value, options: PoolOptions): Value {
  return x.graph.apply(maxPoolOp, [x], attributesOf(options))[0];
}

const averagePoolOp: Op<PoolAttributes> = {
  name: 'averagePool2d',
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
      attributes: { ...onnxAttributes(attributes), count_include_pad: 1 },
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
  return x.graph.apply(averagePoolOp, [x], attributesOf(options))[0];
}
