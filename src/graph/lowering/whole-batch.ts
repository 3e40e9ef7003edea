// Weight gradients of a convolution of one group that sum over the pixels of all pictures at once: nothing is left to add up afterwards, but
// there is less to do side by side than with a product for each picture. For GPUs, where measuring says which is faster.
import type { ConvGradientAttributes } from '../window-geometry.js';
import type { Emitter, Node } from '../value.js';
import { convNode, weightsOfTaps, withFedChannels } from './direct.js';
import { channelsFirst, paddedPicture, pixelsOfTap } from './taps.js';

/** For each kernel tap one matrix product of dy with the shifted pictures: [o, pixels of all pictures] · [pixels of all pictures, c]. */
export function batchWeightGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const [x, dy] = node.inputs;
  const { geometry } = node.attributes;
  const [o, c, kh, kw] = node.attributes.shape;
  const [n, , oh, ow] = dy.shape;
  const padded = paddedPicture(emitter, channelsFirst(emitter, x), geometry);
  const rows = emitter.node('Reshape', [channelsFirst(emitter, dy), emitter.ints([o, n * oh * ow])]);
  const taps = Array.from({ length: kh * kw }, (_, tap) => {
    const shifted = pixelsOfTap(emitter, padded, [Math.floor(tap / kw), tap % kw], [oh, ow], geometry);
    const columns = emitter.node('Reshape', [shifted, emitter.ints([c, n * oh * ow])]);
    return emitter.node('Gemm', [rows, columns], { attributes: { transB: 1 } });
  });
  weightsOfTaps(emitter, taps, node);
}

/**
 * One convolution, whose pictures are the channels of x, with a picture of theirs for each sample, and whose filters are dy: what was a
 * step from pixel to pixel is now one from tap to tap, and the other way round.
 */
export function convolutionWeightGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const [x, dy] = node.inputs;
  const { stride, dilation, padding } = node.attributes.geometry;
  const [o, , kh, kw] = node.attributes.shape;
  const [n, , ...size] = x.shape;
  const kernel = dy.shape.slice(2);
  // Of rows and columns that no tap reached at the far side, results come out that are left out again.
  const far = [kh, kw].map((taps, axis) => {
    const needed = (taps - 1) * dilation[axis] + (kernel[axis] - 1) * stride[axis] + 1;
    return Math.max(0, needed - size[axis] - padding[axis]);
  });
  const channels = { into: n, out: o, groups: 1 };
  const names = withFedChannels(emitter, [channelsFirst(emitter, x), channelsFirst(emitter, dy)], channels);
  const same = { strides: dilation, dilations: stride, group: 1, kernel_shape: kernel };
  const all = emitter.fresh('taps');
  convNode(emitter, names, same, [padding[0], padding[1], far[0], far[1]], all);
  const range = [
    [0, 0],
    [kh, kw],
    [2, 3],
  ].map((values) => emitter.ints(values));
  const taps = emitter.node('Slice', [all, ...range]);
  emitter.node('Transpose', [taps], {
    attributes: { perm: [1, 0, 2, 3] },
    outputs: [emitter.nameOf(node.outputs[0])],
  });
}
