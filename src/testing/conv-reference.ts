// Convolution and its two gradients by naive loops in float64: one loop over all products, read three ways.
import type { ConvGeometry } from '../graph/index.js';
import type { NdArray } from './nd-array.js';

type Shape4 = readonly [number, number, number, number];

function zeros(shape: readonly number[]): NdArray {
  return { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)), dtype: 'float32' };
}

/** Visits every product of the convolution: the flat positions of y, x and w it joins. Padding contributes nothing. */
function forEachProduct(
  xShape: readonly number[],
  wShape: readonly number[],
  geometry: ConvGeometry,
  visit: (y: number, x: number, w: number) => void,
): Shape4 {
  const { stride, dilation, padding, groups } = geometry;
  const [n, c, h, width] = xShape;
  const [o, perGroup, kh, kw] = wShape;
  const oh = Math.floor((h + padding[0] + padding[2] - (dilation[0] * (kh - 1) + 1)) / stride[0]) + 1;
  const ow = Math.floor((width + padding[1] + padding[3] - (dilation[1] * (kw - 1) + 1)) / stride[1]) + 1;
  for (let b = 0; b < n; b++)
    for (let k = 0; k < o; k++)
      for (let i = 0; i < oh; i++)
        for (let j = 0; j < ow; j++)
          for (let q = 0; q < perGroup; q++)
            for (let u = 0; u < kh; u++)
              for (let v = 0; v < kw; v++) {
                const row = i * stride[0] + u * dilation[0] - padding[0];
                const column = j * stride[1] + v * dilation[1] - padding[1];
                if (row < 0 || row >= h || column < 0 || column >= width) continue;
                const channel = Math.floor(k / (o / groups)) * perGroup + q;
                visit(
                  ((b * o + k) * oh + i) * ow + j,
                  ((b * c + channel) * h + row) * width + column,
                  ((k * perGroup + q) * kh + u) * kw + v,
                );
              }
  return [n, o, oh, ow];
}

/** y from x [n, c, h, w] and weights [o, c / groups, kh, kw]. */
export function convReference(x: NdArray, w: NdArray, geometry: ConvGeometry): NdArray {
  const y = zeros(forEachProduct(x.shape, w.shape, geometry, () => undefined));
  forEachProduct(x.shape, w.shape, geometry, (yi, xi, wi) => (y.data[yi] += x.data[xi] * w.data[wi]));
  return y;
}

/** dLoss/dx from dLoss/dy. */
export function convInputGradientReference(
  dy: NdArray,
  w: NdArray,
  shape: readonly number[],
  geometry: ConvGeometry,
): NdArray {
  const dx = zeros(shape);
  forEachProduct(shape, w.shape, geometry, (yi, xi, wi) => (dx.data[xi] += dy.data[yi] * w.data[wi]));
  return dx;
}

/** dLoss/dweights from dLoss/dy. */
export function convWeightGradientReference(
  x: NdArray,
  dy: NdArray,
  shape: readonly number[],
  geometry: ConvGeometry,
): NdArray {
  const dw = zeros(shape);
  forEachProduct(x.shape, shape, geometry, (yi, xi, wi) => (dw.data[wi] += dy.data[yi] * x.data[xi]));
  return dw;
}
