// Depthwise convolutions in the order in which the CPU's engine itself keeps pictures between convolutions whose weights are constant: blocks of
// as many channels as its vectors hold, [n, c / block, h, w, block]. Weights that change it leaves in the standard order, where it unrolls
// every channel's windows; there and back again in blocks takes half as long.
import type { ConvGeometry } from '../window-geometry.js';
import type { AttributeValue, Emitter, Shape, Value } from '../value.js';
import type { Target } from './target.js';

/** The domain of the engine's own operators on blocks. */
export const blockedDomain = 'com.microsoft.nchwc';

/** Whether a target has blocks that so many channels fill. */
export function fillsBlocks(channels: number, { channelBlock }: Target): boolean {
  return channelBlock !== undefined && channels % channelBlock === 0;
}

/** A picture in blocks; its shape is said to be the standard one. */
function inBlocks(emitter: Emitter, picture: string): string {
  return emitter.once(`blocks:${picture}`, () => emitter.node('ReorderInput', [picture], { domain: blockedDomain }));
}

/** All that `Conv` has: the operator on blocks has no defaults. */
export interface DepthwiseAttributes extends Readonly<Record<string, AttributeValue>> {
  readonly group: number;
  readonly kernel_shape: readonly number[];
}

/**
 * Emits a depthwise `Conv` of channels that {@link fillsBlocks}.
 * @param operands the picture, weights [c, 1, kh, kw] and, if there is one, the bias
 */
export function blockedDepthwiseConv(
  emitter: Emitter,
  [x, weights, ...bias]: readonly string[],
  attributes: DepthwiseAttributes,
  output: string,
): void {
  const { channelBlock: block } = emitter.target;
  const { group: channels, kernel_shape: kernel } = attributes;
  const byBlock = emitter.node('Reshape', [weights, emitter.ints([channels / block!, block!, kernel[0] * kernel[1]])]);
  const turned = emitter.node('Transpose', [byBlock], { attributes: { perm: [0, 2, 1] } });
  const filters = emitter.node('Reshape', [turned, emitter.ints([channels, 1, ...kernel])]);
  const results = emitter.node('Conv', [inBlocks(emitter, x), filters, ...bias], { domain: blockedDomain, attributes });
  fromBlocks(emitter, results, channels, output);
}

function fromBlocks(emitter: Emitter, blocks: string, channels: number, output?: string): string {
  const outputs = output === undefined ? {} : { outputs: [output] };
  return emitter.node('ReorderOutput', [blocks], { domain: blockedDomain, attributes: { channels }, ...outputs });
}

/** Padding below and to the right with which the picture, met by the result's gradient, gives as many sums as there are taps. */
function paddingAfter(x: Shape, [, , kh, kw]: Shape, dy: Shape, { stride, padding, dilation }: ConvGeometry) {
  const after = (axis: 0 | 1, taps: number): number =>
    dilation[axis] * (taps - 1) + stride[axis] * (dy[axis + 2] - 1) + 1 - x[axis + 2] - padding[axis];
  return [after(0, kh), after(1, kw)] as const;
}

/** Whether {@link blockedDepthwiseWeightGradient} covers a case: no row or column of the picture is left over that no tap meets. */
export function hasBlockedWeightGradient(
  x: Shape,
  w: Shape,
  dy: Shape,
  geometry: ConvGeometry,
  target: Target,
): boolean {
  return fillsBlocks(x[1], target) && paddingAfter(x, w, dy, geometry).every((side) => side >= 0);
}

/**
 * Emits dw: the picture convolved with the result's gradient, each channel of each picture as a channel of its own, and summed over the
 * pictures. What was the stride is now the dilation, and the other way round. In blocks both lie as the engine wants a picture and weights.
 */
export function blockedDepthwiseWeightGradient(
  emitter: Emitter,
  x: Value,
  dy: Value,
  dw: Value,
  geometry: ConvGeometry,
): void {
  const { stride, padding, dilation } = geometry;
  const [n, c, ...size] = x.shape;
  const kernel = dy.shape.slice(2);
  const channels = n * c;
  const picture = emitter.node('Reshape', [inBlocks(emitter, emitter.nameOf(x)), emitter.ints([1, channels, ...size])]);
  const filters = emitter.node('Reshape', [
    inBlocks(emitter, emitter.nameOf(dy)),
    emitter.ints([channels, 1, ...kernel]),
  ]);
  const pads = [padding[0], padding[1], ...paddingAfter(x.shape, dw.shape, dy.shape, geometry)];
  const attributes = { strides: dilation, dilations: stride, pads, group: channels, kernel_shape: kernel };
  const sums = emitter.node('Conv', [picture, filters], { domain: blockedDomain, attributes });
  const taps = emitter.ints([n, ...dw.shape]);
  const ofPictures = emitter.node('Reshape', [fromBlocks(emitter, sums, channels), taps]);
  const options = { attributes: { keepdims: 0 }, outputs: [emitter.nameOf(dw)] };
  emitter.node('ReduceSum', [ofPictures, emitter.ints([0])], options);
}
