// Weight gradient of a convolution of few channels or a kernel of 1 x 1 in the standard layout on the CPU: for each picture one product with its
// unrolled windows, summed over the pictures.
import type { ConvGeometry } from '../window-geometry.js';
import type { Emitter, Shape, Value } from '../value.js';
import { paddedPicture, pixelsOfTap } from './taps.js';

/** Rows of windows up to which unrolling them costs less than it saves: those of the first layer are 27. */
const mostRows = 64;

/** Whether this form covers a weight gradient. */
export function hasWindowsGradient([, c, kh, kw]: Shape, { groups }: ConvGeometry): boolean {
  return groups === 1 && (kh * kw === 1 || c * kh * kw <= mostRows);
}

/** Emits dw [o, c, kh, kw]. */
export function windowsWeightGradient(emitter: Emitter, x: Value, dy: Value, dw: Value, geometry: ConvGeometry): void {
  const [n, c, height, width] = x.shape;
  const [o, , kh, kw] = dw.shape;
  const [, , oh, ow] = dy.shape;
  const [top, left, bottom, right] = geometry.padding;
  const padded = paddedPicture(emitter, emitter.nameOf(x), geometry);
  const whole = kh * kw === 1 && height + top + bottom === oh && width + left + right === ow;
  const taps = Array.from({ length: kh * kw }, (_, tap) => {
    if (whole) return padded;
    return pixelsOfTap(emitter, padded, [Math.floor(tap / kw), tap % kw], [oh, ow], geometry);
  });
  const windows = taps.length === 1 ? taps[0] : emitter.node('Concat', taps, { attributes: { axis: 1 } });
  const pixels = oh * ow;
  const products = emitter.node(
    'FusedMatMul',
    [
      emitter.node('Reshape', [emitter.nameOf(dy), emitter.ints([n, o, pixels])]),
      emitter.node('Reshape', [windows, emitter.ints([n, kh * kw * c, pixels])]),
    ],
    { attributes: { transB: 1 }, domain: 'com.microsoft' },
  );
  const total = emitter.node('ReduceSum', [products, emitter.ints([0])], { attributes: { keepdims: 0 } });
  const byTap = emitter.node('Reshape', [total, emitter.ints([o, kh * kw, c])]);
  const byChannel = emitter.node('Transpose', [byTap], { attributes: { perm: [0, 2, 1] } });
  emitter.node('Reshape', [byChannel, emitter.ints([o, c, kh, kw])], { outputs: [emitter.nameOf(dw)] });
}
