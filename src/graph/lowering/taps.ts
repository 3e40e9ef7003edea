// The pixels of a picture that meet one tap of a kernel, for each result of the convolution: what the forms of a weight gradient multiply.
import type { ConvGeometry } from '../window-geometry.js';
import type { Emitter, Value } from '../value.js';

/** A picture [n, c, h, w] as [c, n, h, w], made once for all that read it so. */
export function channelsFirst(emitter: Emitter, x: Value): string {
  const name = emitter.nameOf(x);
  return emitter.once(`channels-first:${name}`, () =>
    emitter.node('Transpose', [name], { attributes: { perm: [1, 0, 2, 3] } }),
  );
}

/** A picture [a, b, h, w] with the zeros of a convolution around it, made once for all that read it so. */
export function paddedPicture(emitter: Emitter, picture: string, { padding }: ConvGeometry): string {
  if (padding.every((side) => side === 0)) return picture;
  const [top, left, bottom, right] = padding;
  return emitter.once(`padded:${picture}:${padding.join()}`, () =>
    emitter.node('Pad', [picture, emitter.ints([0, 0, top, left, 0, 0, bottom, right])]),
  );
}

/** Of a padded picture [a, b, h, w], the pixels [a, b, oh, ow] that meet the tap of row i and column j. */
export function pixelsOfTap(
  emitter: Emitter,
  padded: string,
  [i, j]: readonly [number, number],
  [oh, ow]: readonly [number, number],
  { stride, dilation }: ConvGeometry,
): string {
  const start = [i * dilation[0], j * dilation[1]];
  const end = [start[0] + (oh - 1) * stride[0] + 1, start[1] + (ow - 1) * stride[1] + 1];
  return emitter.node('Slice', [padded, ...[start, end, [2, 3], [...stride]].map((values) => emitter.ints(values))]);
}
