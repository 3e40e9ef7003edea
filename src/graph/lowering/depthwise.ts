// Gradients of a depthwise convolution (a filter for each channel) in the standard layout on the CPU, where ConvTranspose with groups takes
// six times as long as Conv, and products tap by tap read the picture once for each tap.
import type { ConvGeometry } from '../window-geometry.js';
import type { Emitter, Shape, Value } from '../value.js';
import {
  blockedDepthwiseConv,
  blockedDepthwiseWeightGradient,
  type DepthwiseAttributes,
  fillsBlocks,
  hasBlockedWeightGradient,
} from './blocked.js';
import { channelsFirst } from './taps.js';

/** Whether a convolution has one filter for each channel. */
export function isDepthwise([o, perGroup]: Shape, { groups }: ConvGeometry): boolean {
  return groups > 1 && perGroup === 1 && o === groups;
}

/** Emits a depthwise `Conv` of a picture with weights [c, 1, kh, kw] that change, in blocks of channels where they are filled. */
export function depthwiseConv(
  emitter: Emitter,
  operands: readonly string[],
  attributes: DepthwiseAttributes,
  output: string,
): void {
  if (fillsBlocks(attributes.group, emitter.target)) blockedDepthwiseConv(emitter, operands, attributes, output);
  else emitter.node('Conv', operands, { attributes, outputs: [output] });
}

/** Whether {@link depthwiseInputGradient} covers a case: what padding there is, the kernel reaches over. */
export function hasDepthwiseInputGradient(x: Shape, w: Shape, dy: Shape, { stride, padding, dilation }: ConvGeometry) {
  return [0, 1].every((axis) => {
    const reach = dilation[axis] * (w[axis + 2] - 1);
    const [before, last] = [padding[axis], (dy[axis + 2] - 1) * stride[axis]];
    // The gradient of the last result lies inside the picture, and the turned kernel needs no cropping.
    return before <= reach && last < x[axis + 2];
  });
}

/** Emits dx: the gradient of the result, with zeros between where a stride skipped pixels, convolved with the turned kernel. */
export function depthwiseInputGradient(
  emitter: Emitter,
  dy: Value,
  w: Value,
  dx: Value,
  { stride, dilation, padding }: ConvGeometry,
): void {
  const [c, , kh, kw] = w.shape;
  const [, , oh, ow] = dy.shape;
  const [, , height, width] = dx.shape;
  const output = emitter.nameOf(dx);
  if (oh === 1 && ow === 1 && kh === height && kw === width && padding.every((side) => side === 0)) {
    const filters = emitter.node('Reshape', [emitter.nameOf(w), emitter.ints([1, c, kh, kw])]);
    emitter.node('Mul', [emitter.nameOf(dy), filters], { outputs: [output] });
    return;
  }
  const flat = emitter.node('Reshape', [emitter.nameOf(w), emitter.ints([c, kh * kw])]);
  const backwards = Array.from({ length: kh * kw }, (_, i) => kh * kw - 1 - i);
  const reversed = emitter.node('Gather', [flat, emitter.ints(backwards)], { attributes: { axis: 1 } });
  const kernel = emitter.node('Reshape', [reversed, emitter.ints([c, 1, kh, kw])]);
  const spread = spreadOut(emitter, emitter.nameOf(dy), [oh, ow], [height, width], stride);
  const [h, v] = spread.size;
  const before = [dilation[0] * (kh - 1) - padding[0], dilation[1] * (kw - 1) - padding[1]];
  const after = [height - h + padding[0], width - v + padding[1]];
  const geometry = { strides: [1, 1], dilations: dilation, pads: [...before, ...after] };
  depthwiseConv(emitter, [spread.name, kernel], { ...geometry, group: c, kernel_shape: [kh, kw] }, output);
}

/** dy with zeros between its rows and columns, of the size of the picture; as it is where the stride is 1. */
function spreadOut(
  emitter: Emitter,
  dy: string,
  [oh, ow]: readonly [number, number],
  [height, width]: readonly [number, number],
  stride: readonly [number, number],
): { readonly name: string; readonly size: readonly [number, number] } {
  const [down, across] = [stride[0] > 1, stride[1] > 1];
  let name = dy;
  // Products with matrices of zeros and ones: Pad and Concat would write single pixels.
  if (across) {
    const matrix = selection(emitter, ow, width, (o, pixel) => pixel === o * stride[1]);
    name = emitter.node('MatMul', [name, matrix]);
  }
  if (down) {
    const matrix = selection(emitter, height, oh, (pixel, o) => pixel === o * stride[0]);
    name = emitter.node('MatMul', [matrix, name]);
  }
  return { name, size: [down ? height : oh, across ? width : ow] };
}

/** A constant matrix of zeros, and ones where `isOne` says so. */
function selection(
  emitter: Emitter,
  rows: number,
  columns: number,
  isOne: (row: number, column: number) => boolean,
): string {
  const data = Float32Array.from({ length: rows * columns }, (_, i) =>
    Number(isOne(Math.floor(i / columns), i % columns)),
  );
  return emitter.once(`selection:${rows}x${columns}:${data.join('')}`, () =>
    emitter.initializer({ data, dtype: 'float32', shape: [rows, columns] }, emitter.fresh('selection')),
  );
}

/** Emits dw, in blocks of channels where they are filled. */
export function depthwiseWeightGradient(
  emitter: Emitter,
  x: Value,
  dy: Value,
  dw: Value,
  geometry: ConvGeometry,
): void {
  if (hasBlockedWeightGradient(x.shape, dw.shape, dy.shape, geometry, emitter.target))
    blockedDepthwiseWeightGradient(emitter, x, dy, dw, geometry);
  else diagonalWeightGradient(emitter, x, dy, dw, geometry);
}

/**
 * Emits dw. For each row of the kernel, one product a channel of the result's gradient with the rows of the picture that it met, over
 * all rows of all pictures: columns of the one by columns of the other. A tap is the sum along a diagonal, taken by a product with zeros and ones,
 * which also know the stride, dilation and padding of the columns.
 */
function diagonalWeightGradient(
  emitter: Emitter,
  x: Value,
  dy: Value,
  dw: Value,
  { stride, dilation, padding }: ConvGeometry,
): void {
  const [n, c, height, width] = x.shape;
  const [, , oh, ow] = dy.shape;
  const [, , kh, kw] = dw.shape;
  const gradient = emitter.node('Reshape', [channelsFirst(emitter, dy), emitter.ints([c, n * oh, ow])]);
  const [top, , bottom] = padding;
  const pads = emitter.ints([0, 0, top, 0, 0, 0, bottom, 0]);
  const picture =
    top + bottom === 0 ? channelsFirst(emitter, x) : emitter.node('Pad', [channelsFirst(emitter, x), pads]);
  const diagonals = Float32Array.from({ length: ow * width * kw }, (_, i) => {
    const [tap, pixel, result] = [i % kw, Math.floor(i / kw) % width, Math.floor(i / (kw * width))];
    return Number(pixel === result * stride[1] + tap * dilation[1] - padding[1]);
  });
  const shape = [ow * width, kw];
  const summing = emitter.once(`diagonals:${[ow, width, kw, stride[1], dilation[1], padding[1]].join()}`, () =>
    emitter.initializer({ data: diagonals, dtype: 'float32', shape }, emitter.fresh('diagonals')),
  );
  const rows = Array.from({ length: kh }, (_, i) => {
    const first = i * dilation[0];
    const end = Math.min(first + (oh - 1) * stride[0] + 1, height + top + bottom);
    const range = [[first], [end], [2], [stride[0]]].map((values) => emitter.ints(values));
    const met = emitter.node('Reshape', [emitter.node('Slice', [picture, ...range]), emitter.ints([c, n * oh, width])]);
    const columns = emitter.node('FusedMatMul', [gradient, met], {
      attributes: { transA: 1 },
      domain: 'com.microsoft',
    });
    return emitter.node('MatMul', [emitter.node('Reshape', [columns, emitter.ints([c, ow * width])]), summing]);
  });
  const joined = rows.length === 1 ? rows[0] : emitter.node('Concat', rows, { attributes: { axis: 1 } });
  emitter.node('Reshape', [joined, emitter.ints([c, 1, kh, kw])], { outputs: [emitter.nameOf(dw)] });
}
