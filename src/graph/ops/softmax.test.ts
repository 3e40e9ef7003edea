// Softmax and its logarithm: values against naive sums, gradients against central differences, and logits that would overflow.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromValues, indicesOf, map, type NdArray, uniform } from '../../testing/nd-array.js';
import { describeOps, evaluate, type OpCase, seeds, shapes } from '../../testing/op-suite.js';
import { Graph, gradients, logSoftmax, softmax, sum, type Value } from '../index.js';

/** `e^x / Σ e^x` along an axis, with the sum of each line collected by naive loops. */
function softmaxReference(x: NdArray, axis: number): NdArray {
  const line = (index: readonly number[]) => index.map((i, a) => (a === axis ? 0 : i)).join();
  const indices = [...indicesOf(x.shape)];
  const sums = new Map<string, number>();
  indices.forEach((index, i) => sums.set(line(index), (sums.get(line(index)) ?? 0) + Math.exp(x.data[i])));
  return { ...x, data: x.data.map((value, i) => Math.exp(value) / sums.get(line(indices[i]))!) };
}

function along(op: (x: Value, axis: number) => Value, f: (p: number) => number): fc.Arbitrary<OpCase> {
  return shapes()
    .chain((shape) => fc.tuple(fc.constant(shape), fc.integer({ min: -shape.length, max: shape.length - 1 }), seeds))
    .map(([shape, axis, seed]) => ({
      title: `[${shape.join()}] along axis ${axis}`,
      inputs: [uniform(shape, seed, -3, 3)],
      build: (x) => op(x, axis),
      reference: (x) => map(softmaxReference(x, axis < 0 ? axis + shape.length : axis), f),
    }));
}

describeOps({ softmax: along(softmax, (p) => p), logSoftmax: along(logSoftmax, Math.log) });

it('survives logits whose exponentials overflow', async () => {
  const x = fromValues([1, 3], [1000, 999, -1000]);
  const { p, logP, g } = await evaluate({ x }, (inputs) => ({
    p: softmax(inputs.x),
    logP: logSoftmax(inputs.x),
    g: gradients(sum(logSoftmax(inputs.x)), [inputs.x])[0],
  }));
  const first = 1 / (1 + Math.exp(-1));
  expect(Array.from(p.data)).toEqual([expect.closeTo(first, 6), expect.closeTo(1 - first, 6), 0]);
  expect(logP.data[2]).toBeCloseTo(-2000 + Math.log(first), 2);
  expect(g.data[2]).toBe(1);
});

it('says op, shape and expectation where the axis does not fit', () => {
  const x = new Graph().input('x', 'float32', [2, 3]);
  expect(() => softmax(x, 2)).toThrow(/^softmax: .*\n.*float32\[2, 3\]\n.*rank 2/);
  expect(() => logSoftmax(x, -3)).toThrow(/^logSoftmax: .*\n.*float32\[2, 3\]\n.*rank 2/);
});
