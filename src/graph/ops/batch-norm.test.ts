// Batch normalisation: values against statistics in two passes, gradients against central differences, and the statistics it gives.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { at, indicesOf, type NdArray, tabulate, uniform } from '../../testing/nd-array.js';
import { describeOps, evaluate, seeds } from '../../testing/op-suite.js';
import { batchNormInference, batchNormTraining, Graph } from '../index.js';

/** Mean and biased variance per channel, in two passes. */
function statistics(x: NdArray): { mean: number[]; variance: number[] } {
  const c = x.shape[1];
  const mean = new Array<number>(c).fill(0);
  const variance = new Array<number>(c).fill(0);
  const count = x.data.length / c;
  for (const index of indicesOf(x.shape)) mean[index[1]] += at(x, index) / count;
  for (const index of indicesOf(x.shape)) variance[index[1]] += (at(x, index) - mean[index[1]]) ** 2 / count;
  return { mean, variance };
}

const epsilon = 1e-3;
const normalize = (x: NdArray, gamma: NdArray, beta: NdArray, mean: ArrayLike<number>, variance: ArrayLike<number>) =>
  tabulate(x.shape, (index) => {
    const k = index[1];
    return ((at(x, index) - mean[k]) / Math.sqrt(variance[k] + epsilon)) * gamma.data[k] + beta.data[k];
  });

const some = fc.integer({ min: 1, max: 3 });
const pictures = fc.tuple(some, some, fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 4 }));
const vectors = fc.tuple(fc.integer({ min: 2, max: 4 }), some);
const shape = fc.oneof(pictures, vectors).map((dims): number[] => dims);

describeOps({
  batchNormTraining: fc.tuple(shape, seeds).map(([dims, seed]) => ({
    title: `[${dims.join()}]`,
    inputs: [uniform(dims, seed), uniform([dims[1]], seed + 1), uniform([dims[1]], seed + 2)],
    build: (x, gamma, beta) => batchNormTraining(x, { gamma, beta, epsilon }).y,
    reference: (x, gamma, beta) => {
      const { mean, variance } = statistics(x);
      return normalize(x, gamma, beta, mean, variance);
    },
  })),
  batchNormInference: fc.tuple(shape, seeds).map(([dims, seed]) => ({
    title: `[${dims.join()}]`,
    inputs: [
      uniform(dims, seed),
      uniform([dims[1]], seed + 1),
      uniform([dims[1]], seed + 2),
      uniform([dims[1]], seed + 3),
      uniform([dims[1]], seed + 4, 0.5, 2),
    ],
    build: (x, gamma, beta, mean, variance) => batchNormInference(x, { gamma, beta, epsilon }, { mean, variance }),
    reference: (x, gamma, beta, mean, variance) => normalize(x, gamma, beta, mean.data, variance.data),
  })),
});

it('gives the statistics that running averages need, and normalises to mean 0 and variance 1', async () => {
  const x = uniform([4, 3, 5, 5], 7);
  const { y, mean, variance } = await evaluate({ x }, (inputs, graph) => {
    const one = graph.constant(Float32Array.of(1, 1, 1), [3]);
    const zero = graph.constant(new Float32Array(3), [3]);
    return batchNormTraining(inputs.x, { gamma: one, beta: zero });
  });
  const expected = statistics(x);
  const after = statistics(y);
  for (let k = 0; k < 3; k++) {
    expect(mean.data[k]).toBeCloseTo(expected.mean[k], 5);
    expect(variance.data[k]).toBeCloseTo(expected.variance[k], 5);
    expect(after.mean[k]).toBeCloseTo(0, 5);
    expect(after.variance[k]).toBeCloseTo(1, 4);
  }
});

it('says op, shape and expectation for a tensor without channels', () => {
  const graph = new Graph();
  const gamma = graph.input('gamma', 'float32', [3]);
  const parameters = { gamma, beta: gamma };
  expect(() => batchNormTraining(graph.input('x', 'float32', [3]), parameters)).toThrow(
    /^channelMoments: .*\n.*float32\[3\]\n.*x \[n, c, …\]/,
  );
});
