// PReLU: values against its definition, gradients against central differences, the derivative at 0, and slopes that do not fit.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { distinct, fromValues, tabulate, at, uniform } from '../../testing/nd-array.js';
import { describeOps, evaluate, gradientOf, seeds } from '../../testing/op-suite.js';
import { Graph, gradients, prelu, sum } from '../index.js';

const dim = fc.integer({ min: 1, max: 4 });

describeOps({
  prelu: fc.tuple(dim, dim, fc.array(dim, { maxLength: 2 }), seeds).map(([n, c, size, seed]) => ({
    title: `[${[n, c, ...size].join()}]`,
    // Slopes on both sides of 0 and above 1: no form may assume 0 ≤ slope ≤ 1.
    inputs: [distinct([n, c, ...size], seed), uniform([c], seed + 1, -0.5, 1.5)],
    build: prelu,
    reference: (x, slope) =>
      tabulate(x.shape, (index) => {
        const value = at(x, index);
        return value > 0 ? value : value * slope.data[index[1]];
      }),
  })),
});

it('has derivative 1 at 0: only what is negative is scaled', async () => {
  const x = fromValues([1, 1, 3], [-1, 0, 1]);
  expect(await gradientOf(x, (value) => prelu(value, value.graph.constant(Float32Array.of(0.25), [1])))).toEqual([
    0.25, 1, 1,
  ]);
});

it('sums the gradient of a slope over batch and pixels', async () => {
  const x = fromValues([2, 1, 2], [-1, -2, 4, -8]);
  const slope = fromValues([1], [0.25]);
  const { g } = await evaluate({ x, slope }, (inputs) => ({
    g: gradients(sum(prelu(inputs.x, inputs.slope)), [inputs.slope])[0],
  }));
  expect(Array.from(g.data)).toEqual([-11]);
});

it('says op, both shapes and expectation where the slopes do not fit', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3, 4, 4]);
  expect(() => prelu(x, graph.input('slope', 'float32', [4]))).toThrow(
    /^prelu: .*\n.*float32\[2, 3, 4, 4\], float32\[4\]\n.*slopes \[c\]/,
  );
});
