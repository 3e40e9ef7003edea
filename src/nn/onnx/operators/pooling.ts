// Pooling over windows of a picture, and over all of it.
import { add, averagePool2d, div, maxPool2d, mean, pad, reduceMax, type Value } from '../../../graph/index.js';
import type { Call, Operator } from '../operand.js';
import { paddingOf } from './convolution.js';

interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
}

/** The window, with as much padding at the far sides as `ceil_mode` needs for the last window that starts inside the picture. */
function windowOf(call: Call, x: Value): Window {
  const { attributes } = call;
  if (x.rank !== 4) throw call.wrong(`an input of rank ${x.rank}`, 'pictures [n, c, h, w]');
  const [kh, kw] = attributes.ints('kernel_shape', [0, 0]);
  const [sh, sw] = attributes.ints('strides', [1, 1]);
  if (attributes.ints('dilations', [1, 1]).some((step) => step !== 1))
    throw call.wrong('a dilated window', 'dilation 1');
  if (![kh, kw, sh, sw].every((size) => size >= 1)) throw call.wrong(`a window of ${kh} x ${kw}`, 'at least 1 x 1');
  const [kernel, stride] = [[kh, kw] as const, [sh, sw] as const];
  const [top, left, bottom, right] = paddingOf(call, x.shape.slice(2), kernel, stride, [1, 1]);
  if (attributes.int('ceil_mode', 0) === 0) return { kernel, stride, padding: [top, left, bottom, right] };
  const far = [bottom, right].map((side, axis) => {
    const near = [top, left][axis];
    const input = x.shape[axis + 2];
    const reach = input + near + side - kernel[axis];
    const rounded = Math.ceil(reach / stride[axis]);
    const last = rounded * stride[axis] >= input + near ? rounded - 1 : rounded;
    return Math.max(side, last * stride[axis] + kernel[axis] - input - near);
  });
  return { kernel, stride, padding: [top, left, far[0], far[1]] };
}

/** Below any feature, and finite: padding never is a maximum. */
const lowest = -3.4e38;

export const maxPool: Operator = (call) => {
  const x = call.value(0);
  const { kernel, stride, padding } = windowOf(call, x);
  const [top, left, bottom, right] = padding;
  if (top === bottom && left === right && top * 2 <= kernel[0] && left * 2 <= kernel[1])
    return [maxPool2d(x, { kernel, stride, padding: [top, left] })];
  // Uneven padding: zeros around the picture, and the lowest number added to them.
  const padded = pad(x, { before: [0, 0, top, left], after: [0, 0, bottom, right] });
  const [, , h, w] = x.shape;
  const [, , high, wide] = padded.shape;
  const border = Float32Array.from({ length: high * wide }, (_, i) => {
    const [row, column] = [Math.floor(i / wide) - top, (i % wide) - left];
    return row >= 0 && row < h && column >= 0 && column < w ? 0 : lowest;
  });
  return [maxPool2d(add(padded, x.graph.constant(border, [1, 1, high, wide])), { kernel, stride })];
};

/** Zeros of the padding count where `count_include_pad` says so; else each window is divided by what lies inside. */
export const averagePool: Operator = (call) => {
  const x = call.value(0);
  const { kernel, stride, padding } = windowOf(call, x);
  const [top, left, bottom, right] = padding;
  const whole = averagePool2d(pad(x, { before: [0, 0, top, left], after: [0, 0, bottom, right] }), { kernel, stride });
  const padded = padding.some((side) => side > 0);
  if (!padded || call.attributes.int('count_include_pad', 0) !== 0) return [whole];
  return [
    div(whole, x.graph.constant(shareInside(x, whole, { kernel, stride, padding }), [1, 1, ...whole.shape.slice(2)])),
  ];
};

/** For each window the share of it that lies inside the picture. */
function shareInside(x: Value, y: Value, { kernel, stride, padding }: Window): Float32Array {
  const [oh, ow] = y.shape.slice(2);
  const inside = (axis: 0 | 1, at: number): number => {
    const start = at * stride[axis] - padding[axis];
    return Math.min(start + kernel[axis], x.shape[axis + 2]) - Math.max(start, 0);
  };
  return Float32Array.from({ length: oh * ow }, (_, i) => {
    return (inside(0, Math.floor(i / ow)) * inside(1, i % ow)) / (kernel[0] * kernel[1]);
  });
}

/** Axes of the picture, all after [n, c]. */
const spatial = (x: Value): number[] => x.shape.map((_, axis) => axis).slice(2);

export const globalAveragePool: Operator = (call) => {
  const x = call.value(0);
  return [mean(x, { axes: spatial(x), keepDims: true })];
};

export const globalMaxPool: Operator = (call) => {
  const x = call.value(0);
  return [reduceMax(x, { axes: spatial(x), keepDims: true })];
};
