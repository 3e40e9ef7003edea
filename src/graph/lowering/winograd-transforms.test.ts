// Winograd's transforms against the direct correlation for any axis and tile, and the number of products they need.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { uniform } from '../../testing/nd-array.js';
import { type Axis, bilinearAxis, tileSizes } from './winograd-transforms.js';

const axes: fc.Arbitrary<Axis> = fc
  .record({
    in: fc.integer({ min: 1, max: 20 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.nat(2),
    after: fc.nat(2),
  })
  .filter(({ in: size, kernel, padding, after }) => size + padding + after >= kernel)
  .map(({ after, ...axis }) => ({
    ...axis,
    out: Math.floor((axis.in + axis.padding + after - axis.kernel) / axis.stride) + 1,
  }));

it('computes the strided correlation y = A ((G w) ⊙ (B x)) of any axis by tiles of any size', () => {
  fc.assert(
    fc.property(axes, fc.nat(1000), (axis, seed) => {
      const x = uniform([axis.in], seed).data;
      const w = uniform([axis.kernel], seed + 1).data;
      for (const size of tileSizes(axis)) {
        const { points, tiles, a, b, g } = bilinearAxis(axis, size);
        const lines = points * tiles;
        const products = Array.from({ length: lines }, (_, line) => {
          const point = Math.floor(line / tiles);
          const fromX = x.reduce((total, value, i) => total + b[line * axis.in + i] * value, 0);
          const fromW = w.reduce((total, value, k) => total + g[point * axis.kernel + k] * value, 0);
          return fromX * fromW;
        });
        for (let i = 0; i < axis.out; i++) {
          let expected = 0;
          for (let k = 0; k < axis.kernel; k++) {
            const pixel = i * axis.stride + k - axis.padding;
            if (pixel >= 0 && pixel < axis.in) expected += x[pixel] * w[k];
          }
          const actual = products.reduce((total, value, line) => total + a[i * lines + line] * value, 0);
          // The matrices are float32, with entries such as 1/24.
          expect(Math.abs(actual - expected)).toBeLessThan(1e-4);
        }
      }
    }),
    { numRuns: 200 },
  );
});

it('needs m + r − 1 products for m results of r taps', () => {
  const axis = { in: 28, out: 28, kernel: 3, stride: 1, padding: 1 };
  const four = tileSizes(axis).find(({ m }) => m === 4)!;
  expect(four).toEqual({ m: 4, points: 6, tiles: 7 });
  expect(bilinearAxis(axis, four)).toMatchObject({ points: 6, tiles: 7 });
  // Stride 2: two taps on even pixels and one on odd ones.
  const two = tileSizes({ in: 28, out: 14, kernel: 3, stride: 2, padding: 1 }).find(({ m }) => m === 2)!;
  expect(two).toEqual({ m: 2, points: 3 + 2, tiles: 7 });
});
