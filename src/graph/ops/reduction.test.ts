// Sums, means, maxima and minima over any axes: values against naive loops, gradients against central differences, ties.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { distinct, fromValues, indicesOf, type NdArray, uniform } from '../../testing/nd-array.js';
import { describeOps, gradientOf, type OpCase, seeds, shapes } from '../../testing/op-suite.js';
import { Graph, mean, reduceMax, reduceMin, type ReduceOptions, sum, type Value } from '../index.js';

/** Collects the elements of each result by naive loops and folds them. */
function reduceBy(x: NdArray, axes: readonly number[], keepDims: boolean, fold: (values: number[]) => number): NdArray {
  const kept = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const groups = new Map<string, number[]>([...indicesOf(kept)].map((index) => [index.join(), []]));
  let position = 0;
  for (const index of indicesOf(x.shape)) {
    groups.get(index.map((i, axis) => (axes.includes(axis) ? 0 : i)).join())!.push(x.data[position++]);
  }
  return {
    shape: keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis)),
    data: Float64Array.from([...groups.values()].map(fold)),
    dtype: 'float32',
  };
}

/** Axes are given from the front or, negative, from the end; absent: all. */
function reduction(
  op: (x: Value, options: ReduceOptions) => Value,
  fold: (values: number[]) => number,
  values: (shape: number[], seed: number) => NdArray,
): fc.Arbitrary<OpCase> {
  return shapes()
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.option(fc.subarray([...shape.keys()]), { nil: undefined }),
        fc.boolean(),
        fc.boolean(),
        seeds,
      ),
    )
    .map(([shape, axes, negative, keepDims, seed]) => ({
      title: `[${shape.join()}] over ${axes === undefined ? 'all axes' : `[${axes.join()}]`}, keepDims ${keepDims}, negative ${negative}`,
      inputs: [values(shape, seed)],
      build: (x) => op(x, { axes: negative ? axes?.map((axis) => axis - shape.length) : axes, keepDims }),
      reference: (x) => reduceBy(x, axes ?? [...shape.keys()], keepDims, fold),
    }));
}

const total = (values: number[]) => values.reduce((a, b) => a + b, 0);

describeOps({
  sum: reduction(sum, total, uniform),
  mean: reduction(mean, (values) => total(values) / values.length, uniform),
  reduceMax: reduction(reduceMax, (values) => Math.max(...values), distinct),
  reduceMin: reduction(reduceMin, (values) => Math.min(...values), distinct),
});

it('shares the gradient of a maximum or minimum equally among equal elements', async () => {
  const x = fromValues([2, 4], [3, 1, 3, 3, 1, 2, 1, 5]);
  const third = expect.closeTo(1 / 3, 6);
  expect(await gradientOf(x, (value) => reduceMax(value, { axes: [1] }))).toEqual([third, 0, third, third, 0, 0, 0, 1]);
  expect(await gradientOf(x, (value) => reduceMin(value, { axes: [1] }))).toEqual([0, 1, 0, 0, 0.5, 0, 0.5, 0]);
});

it('says op, shape and expectation where axes do not fit', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  expect(() => sum(x, { axes: [2] })).toThrow(/^sum: .*\n.*float32\[2, 3\]\n.*axes within rank 2, got \[2\]/);
  expect(() => mean(x, { axes: [1, -1] })).toThrow(/^mean: .*\n.*\n.*distinct axes .* got \[1, -1\]/);
  expect(() => reduceMax(graph.input('labels', 'int64', [2]))).toThrow(/^reduceMax: .*\n.*int64\[2\]\n.*float32/);
});
