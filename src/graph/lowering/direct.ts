// Convolution by the runtime's own operators, in the NCHW layout: right for every geometry and on every device.
import type { ConvAttributes, ConvGeometry, ConvGradientAttributes } from '../window-geometry.js';
import type { EmitOptions, Emitter, Node, Shape, Value } from '../value.js';
import { paddedPicture, pixelsOfTap } from './taps.js';

/** One `Conv`. */
export function directConv(
  emitter: Emitter,
  { inputs, outputs: [y], attributes: { geometry } }: Node<ConvAttributes>,
): void {
  const { stride, dilation, padding, groups } = geometry;
  const [, w] = inputs;
  const attributes = { strides: stride, dilations: dilation, group: groups, kernel_shape: w.shape.slice(2) };
  const names = withFedChannels(
    emitter,
    inputs.map((input) => emitter.nameOf(input)),
    { into: w.shape[1], out: w.shape[0], groups },
  );
  convNode(emitter, names, attributes, padding, emitter.nameOf(y));
}

/**
 * Picture and weights of a `Conv`. The WebGPU provider of ONNX Runtime 1.30 reads channels in threes where their number is divisible by
 * three and that of the filters by four, and computes the case wrongly for more than three channels (not for twelve, which it reads
 * in fours): 6, 9, 18, 30, … Channels of zeros, up to the next multiple of four, avoid it.
 */
export function withFedChannels(
  emitter: Emitter,
  names: readonly string[],
  { into, out, groups }: { readonly into: number; readonly out: number; readonly groups: number },
): readonly string[] {
  const wrong = groups === 1 && into > 3 && into % 3 === 0 && into % 4 !== 0 && out % 4 === 0;
  if (emitter.target.device !== 'webgpu' || !wrong) return names;
  const [x, w, ...bias] = names;
  const pads = emitter.ints([0, 0, 0, 0, 0, 4 - (into % 4), 0, 0]);
  const fed = (name: string): string => emitter.once(`fed:${name}`, () => emitter.node('Pad', [name, pads]));
  return [fed(x), fed(w), ...bias];
}

/** Rows above, columns to the left, rows below, columns to the right. */
type Padding = ConvGeometry['padding'];

/**
 * A `Conv` node. The WebGPU provider of ONNX Runtime 1.30 takes a kernel of 1 x 1, or one as large as the picture, for a matrix
 * product whenever there is no padding above and to the left, and forgets that below and to the right. There the picture gets
 * padding for one row of results more above, which is left out again. (A `Pad` before the `Conv` would be fused into it.)
 */
export function convNode(
  emitter: Emitter,
  names: readonly string[],
  attributes: Readonly<Record<string, number | readonly number[]>> & { readonly strides: readonly number[] },
  padding: Padding,
  output: string,
): void {
  const [top, left, bottom, right] = padding;
  const forgotten = top === 0 && left === 0 && (bottom > 0 || right > 0);
  if (emitter.target.device !== 'webgpu' || !forgotten) {
    emitter.node('Conv', names, { attributes: { ...attributes, pads: padding }, outputs: [output] });
    return;
  }
  const pads = [attributes.strides[0], left, bottom, right];
  const higher = emitter.node('Conv', names, { attributes: { ...attributes, pads } });
  const range = [[1], [2 ** 31 - 1], [2]].map((values) => emitter.ints(values));
  emitter.node('Slice', [higher, ...range], { outputs: [output] });
}

/** A `Conv` with the kernel turned and its channels swapped where that is one, else `ConvTranspose`. */
export function directInputGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  if (isTurnable(node.inputs[1].shape, node.attributes.geometry)) turnedInputGradient(emitter, node);
  else transposedInputGradient(emitter, node);
}

/** How far a kernel reaches beyond its first tap. */
function reachOf([, , kh, kw]: Shape, { dilation }: ConvGeometry): readonly [number, number] {
  return [dilation[0] * (kh - 1), dilation[1] * (kw - 1)];
}

/** The padding of the convolution that an input gradient is. */
function turnedPadding(w: Shape, geometry: ConvGeometry): Padding {
  const [reach, { padding }] = [reachOf(w, geometry), geometry];
  return [reach[0] - padding[0], reach[1] - padding[1], reach[0] - padding[2], reach[1] - padding[3]];
}

/** Whether the input gradient of a convolution with weights of a shape is a convolution itself: with stride 1 and one group. */
export function isTurnable(w: Shape, geometry: ConvGeometry): boolean {
  const { stride, groups } = geometry;
  const isPlain = groups === 1 && stride[0] === 1 && stride[1] === 1;
  return isPlain && turnedPadding(w, geometry).every((side) => side >= 0);
}

/** A `Conv` with the kernel turned and its channels swapped, of what {@link isTurnable} holds for. */
export function turnedInputGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const { inputs, outputs, attributes } = node;
  const [dy, w] = inputs;
  const { stride, dilation, groups } = attributes.geometry;
  const kernel = turnedKernel(emitter, w);
  const same = { strides: stride, dilations: dilation, group: 1, kernel_shape: w.shape.slice(2) };
  const channels = { into: w.shape[0], out: w.shape[1], groups };
  const names = withFedChannels(emitter, [emitter.nameOf(dy), kernel], channels);
  convNode(emitter, names, same, turnedPadding(w.shape, attributes.geometry), emitter.nameOf(outputs[0]));
}

/** A `ConvTranspose`. */
export function transposedInputGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const { inputs, outputs, attributes } = node;
  const [dy, w] = inputs;
  const { stride, dilation, padding, groups } = attributes.geometry;
  const [, , kh, kw] = w.shape;
  const reach = reachOf(w.shape, attributes.geometry);
  const out = { outputs: [emitter.nameOf(outputs[0])] };
  // Rows and columns that no kernel position reached at the far side get no gradient: output_padding restores them as zeros.
  const [, , h, width] = attributes.shape;
  const rest = [
    h - ((dy.shape[2] - 1) * stride[0] + reach[0] + 1 - padding[0] - padding[2]),
    width - ((dy.shape[3] - 1) * stride[1] + reach[1] + 1 - padding[1] - padding[3]),
  ];
  const convTranspose = (weights: string, options: EmitOptions) =>
    emitter.node('ConvTranspose', [emitter.nameOf(dy), weights], {
      attributes: {
        strides: stride,
        dilations: dilation,
        pads: padding,
        group: groups,
        kernel_shape: [kh, kw],
        output_padding: rest,
      },
      ...options,
    });
  const [o, perGroup] = w.shape;
  if (emitter.target.device === 'webgpu' && groups > 1 && perGroup === 1 && o > groups) {
    // The WebGPU provider of ONNX Runtime 1.30 computes this case wrongly (several filters for the one channel of a group).
    // A second channel per group, made by weights of zero, avoids it and is left out again.
    const wider = emitter.node('Pad', [emitter.nameOf(w), emitter.ints([0, 0, 0, 0, 0, 1, 0, 0])]);
    const range = [[0], [2 * groups], [1], [2]].map((values) => emitter.ints(values));
    emitter.node('Slice', [convTranspose(wider, {}), ...range], out);
    return;
  }
  convTranspose(emitter.nameOf(w), out);
}

/** Weights [o, c, kh, kw] as [c, o, kh, kw], turned by 180 degrees: the spatial axis is read backwards. */
function turnedKernel(emitter: Emitter, w: Value): string {
  const [o, c, kh, kw] = w.shape;
  return emitter.once(`turned:${emitter.nameOf(w)}`, () => {
    const flat = emitter.node('Reshape', [emitter.nameOf(w), emitter.ints([o, c, kh * kw])]);
    const backwards = Array.from({ length: kh * kw }, (_, i) => kh * kw - 1 - i);
    const reversed = emitter.node('Gather', [flat, emitter.ints(backwards)], { attributes: { axis: 2 } });
    const swapped = emitter.node('Transpose', [reversed], { attributes: { perm: [1, 0, 2] } });
    return emitter.node('Reshape', [swapped, emitter.ints([c, o, kh, kw])]);
  });
}

/**
 * For each kernel tap one matrix product of dy with the shifted picture, over the pixels of each picture; summed over the batch, always in
 * float32.
 */
export function tapWeightGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const { inputs, attributes } = node;
  const [x, dy] = inputs;
  const { geometry } = attributes;
  const { groups } = geometry;
  const [o, , kh, kw] = attributes.shape;
  const [n, c] = x.shape;
  const [, , oh, ow] = dy.shape;
  const pixels = oh * ow;
  const padded = paddedPicture(emitter, emitter.nameOf(x), geometry);
  const grouped = emitter.node('Reshape', [emitter.nameOf(dy), emitter.ints([n, groups, o / groups, pixels])]);
  const taps: string[] = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const shifted = pixelsOfTap(emitter, padded, [i, j], [oh, ow], geometry);
      const columns = emitter.node('Reshape', [shifted, emitter.ints([n, groups, c / groups, pixels])]);
      const turned = emitter.node('Transpose', [columns], { attributes: { perm: [0, 1, 3, 2] } });
      const products = emitter.inFloat32(emitter.node('MatMul', [grouped, turned]));
      taps.push(emitter.node('ReduceSum', [products, emitter.ints([0])], { attributes: { keepdims: 0 } }));
    }
  }
  weightsOfTaps(emitter, taps, node);
}

/** Weights from the taps of a kernel, each [groups, o / groups, c / groups] or [o, c]: together, the tap last, they are their layout. */
export function weightsOfTaps(
  emitter: Emitter,
  taps: readonly string[],
  { attributes: { shape }, outputs: [dw] }: Node<ConvGradientAttributes>,
): void {
  const stacked = taps.map((tap) => emitter.node('Unsqueeze', [tap, emitter.ints([-1])]));
  const joined = stacked.length === 1 ? stacked[0] : emitter.node('Concat', stacked, { attributes: { axis: -1 } });
  emitter.node('Reshape', [joined, emitter.ints(shape)], { outputs: [emitter.nameOf(dw)] });
}
