// Convolution of a picture with few channels (the first layer's) as one matrix product with its unrolled windows.
import type { ConvGeometry } from '../window-geometry.js';
import type { Emitter, Shape, Value } from '../value.js';
import { columnTile, pictureLayout } from './layout.js';

/** Whether this form covers a geometry: one group, any stride and dilation. */
export function isUnrollable({ groups }: ConvGeometry): boolean {
  return groups === 1;
}

/**
 * The windows of x as columns: [kh · kw · c, oh · ow · n], the pixels in the order of the layout of pictures; shared by the convolution and
 * its weight gradient.
 */
function windows(emitter: Emitter, x: Value, kernel: Shape, output: Shape, geometry: ConvGeometry): string {
  const { stride, dilation, padding } = geometry;
  const [n, c, h, w] = x.shape;
  const [oh, ow] = output;
  const name = emitter.nameIn(x, 'chwn');
  return emitter.once(`windows:${name}:${JSON.stringify([kernel, geometry])}`, () => {
    const pads = [0, padding[0], padding[1], 0, 0, padding[2], padding[3], 0];
    const padded = padding.every((side) => side === 0) ? name : emitter.node('Pad', [name, emitter.ints(pads)]);
    const size = [h + padding[0] + padding[2], w + padding[1] + padding[3]];
    const taps: string[] = [];
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < kernel[1]; j++) {
        const start = [i * dilation[0], j * dilation[1]];
        const end = [start[0] + (oh - 1) * stride[0] + 1, start[1] + (ow - 1) * stride[1] + 1];
        const range = [start, end.map((last, axis) => Math.min(last, size[axis])), [1, 2], [...stride]];
        taps.push(emitter.node('Slice', [padded, ...range.map((values) => emitter.ints(values))]));
      }
    }
    const stacked = taps.length === 1 ? taps[0] : emitter.node('Concat', taps, { attributes: { axis: 0 } });
    const shape = emitter.ints([taps.length * c, oh * ow * n]);
    const tile = columnTile(ow);
    if (tile === 1) return emitter.node('Reshape', [stacked, shape]);
    const tiles = emitter.node('Reshape', [stacked, emitter.ints([taps.length * c * oh, ow / tile, tile, n])]);
    return emitter.node('Reshape', [emitter.node('Transpose', [tiles], { attributes: { perm: [0, 2, 1, 3] } }), shape]);
  });
}

/** y in the layout of pictures. */
export function unrolledConv(
  emitter: Emitter,
  x: Value,
  weights: Value,
  y: Value,
  geometry: ConvGeometry,
  bias?: Value,
): void {
  const [o, c, kh, kw] = weights.shape;
  const [n, , oh, ow] = y.shape;
  const columns = windows(emitter, x, [kh, kw], [oh, ow], geometry);
  const matrix = emitter.node('Reshape', [emitter.nameIn(weights, 'hwio'), emitter.ints([kh * kw * c, o])]);
  const inputs = bias === undefined ? [columns, matrix] : [columns, matrix, emitter.nameOf(bias)];
  const product = emitter.node('Gemm', inputs, { attributes: { transA: 1 } });
  emitter.node('Reshape', [product, emitter.ints([oh, ow, n, o])], {
    outputs: [emitter.nameIn(y, pictureLayout(y.shape))],
  });
}

/** dw in layout [kh, kw, c, o]. */
export function unrolledWeightGradient(emitter: Emitter, x: Value, dy: Value, dw: Value, geometry: ConvGeometry): void {
  const [o, c, kh, kw] = dw.shape;
  const [n, , oh, ow] = dy.shape;
  const columns = windows(emitter, x, [kh, kw], [oh, ow], geometry);
  const pixels = emitter.node('Reshape', [emitter.nameIn(dy, pictureLayout(dy.shape)), emitter.ints([oh * ow * n, o])]);
  const product = emitter.node('MatMul', [columns, pixels]);
  emitter.node('Reshape', [product, emitter.ints([kh, kw, c, o])], { outputs: [emitter.nameIn(dw, 'hwio')] });
}
