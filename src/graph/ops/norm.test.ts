import { expect, it } from 'vitest';
import { fromValues, uniform } from '../../testing/nd-array.js';
import { describeOps, gradientOf, seeds, shapes } from '../../testing/op-suite.js';
import { Graph, norm } from '../index.js';

describeOps({
  norm: shapes({ minRank: 0 }).chain((shape) =>
    seeds.map((seed) => ({
      title: `[${shape.join()}]`,
      inputs: [uniform(shape, seed, 0.1, 1)],
      build: norm,
      reference: (x) => ({ shape: [], data: Float64Array.of(Math.hypot(...x.data)), dtype: 'float32' as const }),
    })),
  ),
});

it('has no gradient at the origin', async () => {
  expect(await gradientOf(fromValues([3], [0, 0, 0]), norm)).toEqual([0, 0, 0]);
});

it('says op and type where it does not fit', () => {
  expect(() => norm(new Graph().input('labels', 'int64', [2]))).toThrow(/^norm: .*\n.*int64\[2\]\n.*float32/);
});
