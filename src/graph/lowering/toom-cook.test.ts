import fc from 'fast-check';
import { expect, it } from 'vitest';
import { uniform } from '../../testing/nd-array.js';
import { type Axis, bilinearAxis } from './toom-cook.js';

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

it('computes the strided correlation y = A ((G w) ⊙ (B x)) of any axis', () => {
  fc.assert(
    fc.property(axes, fc.nat(1000), (axis, seed) => {
      const x = uniform([axis.in], seed).data;
      const w = uniform([axis.kernel], seed + 1).data;
      const { points, tiles, a, b, g } = bilinearAxis(axis);
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
    }),
    { numRuns: 300 },
  );
});

it('needs fewer products than the direct sum: 6 for four results of three taps', () => {
  const { points, tiles } = bilinearAxis({ in: 28, out: 28, kernel: 3, stride: 1, padding: 1 });
  expect([points, tiles]).toEqual([6, 7]);
});
