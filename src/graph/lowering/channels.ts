// The forms of arithmetic with one number per channel. In the standard layout on the CPU, where these passes over memory are most of a
// network with batch normalisation: a scale and an offset as one depthwise convolution of 1 x 1, half the passes of Mul and Add; sums of
// products as matrix products of rows, which write nothing, where Mul and ReduceSum write and read again a tensor as large as the picture.
import { constantOf } from '../constant.js';
import type { EmitOptions, Emitter, Node, Value } from '../value.js';
import { hasChannelSums, lowerChannelSum } from './channel-sums.js';
import { type Layout, layoutOrder } from './layout.js';

type NoAttributes = Record<string, never>;

/** With fewer pixels than this a channel of a picture is too short for a product of its own. */
const fewestPixels = 16;

const pixelsOf = ({ shape }: Value): number => shape.slice(2).reduce((product, dim) => product * dim, 1);

const inRows = (emitter: Emitter, x: Value, layout: Layout): boolean =>
  emitter.target.device === 'cpu' && x.rank === 4 && layout === 'standard' && pixelsOf(x) >= fewestPixels;

/** Where channels stand in a layout, and the axes besides them. */
function axesOf(x: Value, layout: Layout): { readonly channel: number; readonly others: number[] } {
  const channel = x.rank === 4 ? layoutOrder(layout).indexOf(1) : 1;
  return { channel, others: x.shape.map((_, axis) => axis).filter((axis) => axis !== channel) };
}

/** Emits scale [c] · x [n, c, …] + offset [c]. */
export function lowerChannelAffine(
  emitter: Emitter,
  { inputs: [x, scale, offset], outputs: [y] }: Node<NoAttributes>,
): void {
  const layout = emitter.layoutFor([x], y);
  const [c] = scale.shape;
  const [from, to] = [emitter.nameIn(x, layout), emitter.nameIn(y, layout)];
  const shaped = (v: Value, shape: readonly number[]) =>
    emitter.node('Reshape', [emitter.nameOf(v), emitter.ints(shape)]);
  const broadcast = [c, ...x.shape.slice(axesOf(x, layout).channel + 1).map(() => 1)];
  if (offset === undefined) {
    emitter.node('Mul', [from, shaped(scale, broadcast)], { outputs: [to] });
    // What is known beforehand the runtime multiplies into the weights of the convolution before; of a convolution it would not.
  } else if (inRows(emitter, x, layout) && !isKnown(scale)) {
    const attributes = { group: c, kernel_shape: [1, 1] };
    const operands = [from, shaped(scale, [c, 1, 1, 1]), emitter.nameOf(offset)];
    emitter.node('Conv', operands, { attributes, outputs: [to] });
  } else {
    const product = emitter.node('Mul', [from, shaped(scale, broadcast)]);
    emitter.node('Add', [product, shaped(offset, broadcast)], { outputs: [to] });
  }
}

/** Whether a value follows from constants alone. */
function isKnown(value: Value): boolean {
  return constantOf(value) !== undefined || (value.producer?.inputs.every(isKnown) ?? false);
}

/** Emits the sum over all but the channels of x · y, [c]. */
export function lowerChannelDot(emitter: Emitter, { inputs: [x, y], outputs: [z] }: Node<NoAttributes>): void {
  const layout = emitter.layoutFor([x, y], x);
  const operands = [x, y].map((v) => emitter.nameIn(v, layout));
  dot(emitter, operands, x, layout, { outputs: [emitter.nameOf(z)] });
}

/** Emits mean and variance over all but the channels of x, [c] both. */
export function lowerChannelMoments(
  emitter: Emitter,
  { inputs: [x], outputs: [mean, variance] }: Node<NoAttributes>,
): void {
  const layout = emitter.layoutFor([x], x);
  const from = emitter.nameIn(x, layout);
  const kept = lowerMean(emitter, x, from, layout);
  const shape = emitter.ints([x.shape[1]]);
  emitter.node('Reshape', [kept, shape], { outputs: [emitter.nameOf(mean)] });
  if (!emitter.isUsed(variance)) return;
  const centred = emitter.node('Sub', [from, kept]);
  const squares = dot(emitter, [centred, centred], x, layout);
  emitter.node('Mul', [squares, emitter.float(shareOf(x))], { outputs: [emitter.nameOf(variance)] });
}

/** The share of one of its values in a channel. */
const shareOf = (x: Value): number => x.shape[1] / x.size;

/** The mean over all but the channels of x, which lies in a layout, with an axis of 1 for each that is averaged over. */
function lowerMean(emitter: Emitter, x: Value, from: string, layout: Layout): string {
  const keepdims = 1;
  if (!hasChannelSums(emitter, x, layout)) {
    return emitter.node('ReduceMean', [from], { attributes: { axes: axesOf(x, layout).others, keepdims } });
  }
  const sums = lowerChannelSum(emitter, x, { picture: from, layout }, { attributes: { keepdims } });
  return emitter.node('Mul', [sums, emitter.float(shareOf(x))]);
}

/** The sum over all but the channels of the product of two tensors of the shape of x, which lie in a layout. */
function dot(emitter: Emitter, operands: readonly string[], x: Value, layout: Layout, out: EmitOptions = {}): string {
  const options = { ...out, attributes: { keepdims: 0 } };
  if (!inRows(emitter, x, layout)) {
    const product = emitter.node('Mul', operands);
    const { others } = axesOf(x, layout);
    if (hasChannelSums(emitter, x, layout)) return lowerChannelSum(emitter, x, { picture: product, layout }, options);
    return emitter.node('ReduceSum', [product, emitter.ints(others)], options);
  }
  const [n, c] = x.shape;
  const rows = emitter.ints([n * c, 1, pixelsOf(x)]);
  const products = emitter.node(
    'FusedMatMul',
    operands.map((name) => emitter.node('Reshape', [name, rows])),
    { attributes: { transB: 1 }, domain: 'com.microsoft' },
  );
  const ofPictures = emitter.node('Reshape', [products, emitter.ints([n, c])]);
  return emitter.node('ReduceSum', [ofPictures, emitter.ints([0])], options);
}
