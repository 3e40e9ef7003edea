// Weight gradient of a convolution of few channels or a kernel of 1 x 1 in the standard layout on the CPU: for each picture one product with its
// unrolled windows, summed over the pictures.
import type { ConvGeometry } from '../window-geometry.js';
import type { Emitter, Shape, Value } from '../value.js';

/** Rows of windows up to which unrolling them costs less than it saves: those of the first layer are 27. */
const mostRows = 64;

/** Whether this form covers a weight gradient. */
export function hasWindowsGradient([, c, kh, kw]: Shape, { groups }: ConvGeometry): boolean {
  return groups === 1 && (kh * kw === 1 || c * kh * kw <= mostRows);
}

/** Emits dw [o, c, kh, kw]. */
export function windowsWeightGradient(
  emitter: Emitter,
  x: Value,
  dy: Value,
  dw: Value,
  { stride, dilation, padding }: ConvGeometry,
): void {
  const [n, c, height, width] = x.shape;
  const [o, , kh, kw] = dw.shape;
  const [, , oh, ow] = dy.shape;
  const [top, left, bottom, right] = padding;
  const pads = emitter.ints([0, 0, top, left, 0, 0, bottom, right]);
  const padded = padding.every((side) => side === 0)
    ? emitter.nameOf(x)
    : emitter.node('Pad', [emitter.nameOf(x), pads]);
  const size = [height + top + bottom, width + left + right];
  const whole = kh * kw === 1 && size[0] === oh && size[1] === ow;
  const taps = Array.from({ length: kh * kw }, (_, tap) => {
    if (whole) return padded;
    const start = [Math.floor(tap / kw) * dilation[0], (tap % kw) * dilation[1]];
    const end = [start[0] + (oh - 1) * stride[0] + 1, start[1] + (ow - 1) * stride[1] + 1];
    const range = [start, end.map((last, axis) => Math.min(last, size[axis])), [2, 3], [...stride]];
    return emitter.node('Slice', [padded, ...range.map((values) => emitter.ints(values))]);
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
