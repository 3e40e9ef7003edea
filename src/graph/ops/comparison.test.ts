// Comparisons: masks against plain comparisons, no gradient through them, equal elements, tiny and huge numbers, labels.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { at, distinct, fromValues, map, tabulate, uniform } from '../../testing/nd-array.js';
import { describeOps, evaluate, type OpCase, seeds, shapes } from '../../testing/op-suite.js';
import { broadcastShape, equal, Graph, greater, greaterEqual, mul, step, type Value } from '../index.js';

/** The mask scales a third input, so that the gradient shows that nothing flows through the comparison itself. */
function masked(op: (a: Value, b: Value) => Value, f: (a: number, b: number) => boolean): fc.Arbitrary<OpCase> {
  return fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}] with its last axis`,
    inputs: [
      distinct(shape, seed),
      map(distinct(shape.slice(-1), seed + 1), (x) => Math.fround(x + 0.025)),
      uniform(shape, seed + 2),
    ],
    build: (a, b, c) => mul(op(a, b), c),
    reference: (a, b, c) =>
      tabulate(broadcastShape(a.shape, b.shape)!, (index) => (f(at(a, index), at(b, index)) ? at(c, index) : 0)),
  }));
}

describeOps({
  greater: masked(greater, (a, b) => a > b),
  greaterEqual: masked(greaterEqual, (a, b) => a >= b),
  equal: masked(equal, (a, b) => a === b),
  step: fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [distinct(shape, seed), uniform(shape, seed + 1)],
    build: (x, c) => mul(step(x), c),
    reference: (x, c) => ({ ...x, data: x.data.map((value, i) => (value > 0 ? c.data[i] : 0)) }),
  })),
});

it('tells equal elements apart from greater ones', async () => {
  const inputs = { a: fromValues([3], [-1, 0, 1]), b: fromValues([3], [0, 0, 0]) };
  const masks = await evaluate(inputs, ({ a, b }) => ({
    greater: greater(a, b),
    greaterEqual: greaterEqual(a, b),
    equal: equal(a, b),
    step: step(a),
  }));
  expect(Array.from(masks.greater.data)).toEqual([0, 0, 1]);
  expect(Array.from(masks.greaterEqual.data)).toEqual([0, 1, 1]);
  expect(Array.from(masks.equal.data)).toEqual([0, 1, 0]);
  expect(Array.from(masks.step.data)).toEqual([0, 0, 1]);
});

it('gives exactly 0 or 1 for the smallest ordinary numbers', async () => {
  const x = fromValues([4], [-1.2e-38, 1.2e-38, -3e38, 3e38]);
  const { y } = await evaluate({ x }, (inputs) => ({ y: step(inputs.x) }));
  expect(Array.from(y.data)).toEqual([0, 1, 0, 1]);
});

it('compares labels', async () => {
  const labels = { ...fromValues([3], [4, 7, 9]), dtype: 'int64' as const };
  const { y } = await evaluate({ labels }, (inputs, graph) => ({ y: equal(inputs.labels, graph.indices([4, 9, 9])) }));
  expect(Array.from(y.data)).toEqual([1, 0, 1]);
});

it('says op, shapes and expectation where inputs do not fit', () => {
  const graph = new Graph();
  const a = graph.input('a', 'float32', [2, 3]);
  expect(() => greater(a, graph.input('b', 'float32', [2]))).toThrow(
    /^greater: .*\n.*float32\[2, 3\], float32\[2\]\n.*broadcast/,
  );
  expect(() => equal(a, graph.input('c', 'int64', [3]))).toThrow(/^equal: .*\n.*int64\[3\]\n.*one dtype/);
});
