// Gathering and scattering: values against naive loops, gradients against central differences, and softmax cross-entropy by its formula.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  at,
  fromValues,
  indicesOf,
  map,
  type NdArray,
  randomIndices,
  tabulate,
  uniform,
} from '../../testing/nd-array.js';
import { describeOps, evaluate, type OpCase, seeds, shapes } from '../../testing/op-suite.js';
import {
  gather,
  gatherElements,
  Graph,
  gradients,
  logSoftmax,
  neg,
  pickLabel,
  replaceLabel,
  scatterAdd,
  scatterAddElements,
  mean,
} from '../index.js';

const labels = (values: readonly number[]): NdArray => ({ ...fromValues([values.length], values), dtype: 'int64' });

/** A table, and indices of rank 1 or 2 into its rows. */
const tables = fc.tuple(shapes({ maxRank: 3 }), shapes({ maxRank: 2 }), seeds);

const gathers: fc.Arbitrary<OpCase> = tables.map(([table, picked, seed]) => ({
  title: `rows [${picked.join()}] of [${table.join()}]`,
  inputs: [uniform(table, seed), randomIndices(picked, seed + 1, table[0])],
  build: gather,
  reference: (x, indices) =>
    tabulate([...picked, ...table.slice(1)], (index) =>
      at(x, [at(indices, index.slice(0, picked.length)), ...index.slice(picked.length)]),
    ),
}));

const scatters: fc.Arbitrary<OpCase> = tables.map(([table, picked, seed]) => ({
  title: `rows [${picked.join()}] into [${table.join()}]`,
  inputs: [
    uniform([...picked, ...table.slice(1)], seed),
    { ...randomIndices(picked, seed + 1, table[0]), dtype: seed % 2 === 0 ? 'int64' : 'int32' },
  ],
  build: (rows, indices) => scatterAdd(rows, indices, table),
  reference: (rows, indices) =>
    tabulate(table, (index) => {
      let total = 0;
      for (const from of indicesOf(picked))
        if (at(indices, from) === index[0]) total += at(rows, [...from, ...index.slice(1)]);
      return total;
    }),
}));

/** A shape, an axis from either end, and a length along it. */
const alongAxis = shapes({ maxRank: 3 }).chain((shape) =>
  fc.tuple(
    fc.constant(shape),
    fc.integer({ min: -shape.length, max: shape.length - 1 }),
    fc.integer({ min: 1, max: 4 }),
    seeds,
  ),
);
const along = (shape: readonly number[], axis: number, length: number) =>
  shape.map((dim, a) => (a === (axis + shape.length) % shape.length ? length : dim));

const gatherElementsCases: fc.Arbitrary<OpCase> = alongAxis.map(([shape, axis, length, seed]) => {
  const picked = along(shape, axis, length);
  const normal = (axis + shape.length) % shape.length;
  return {
    title: `${length} of [${shape.join()}] along axis ${axis}`,
    inputs: [uniform(shape, seed), randomIndices(picked, seed + 1, shape[normal])],
    build: (x, indices) => gatherElements(x, indices, axis),
    reference: (x, indices) =>
      tabulate(picked, (index) =>
        at(
          x,
          index.map((i, a) => (a === normal ? at(indices, index) : i)),
        ),
      ),
  };
});

const scatterElementsCases: fc.Arbitrary<OpCase> = alongAxis.map(([shape, axis, length, seed]) => {
  const picked = along(shape, axis, length);
  const normal = (axis + shape.length) % shape.length;
  return {
    title: `${length} into [${shape.join()}] along axis ${axis}`,
    inputs: [uniform(shape, seed), randomIndices(picked, seed + 1, shape[normal]), uniform(picked, seed + 2)],
    build: (x, indices, updates) => scatterAddElements(x, indices, updates, axis),
    reference: (x, indices, updates) =>
      tabulate(shape, (index) => {
        let total = at(x, index);
        for (let i = 0; i < length; i++) {
          const from = index.map((position, a) => (a === normal ? i : position));
          if (at(indices, from) === index[normal]) total += at(updates, from);
        }
        return total;
      }),
  };
});

const logits = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }), seeds);

/** Labels among which some are −1, for none. */
function labelsOrNone(n: number, seed: number, count: number): NdArray {
  const places = randomIndices([n], seed, count + 1);
  return { ...places, data: places.data.map((place) => place - 1) };
}

describeOps({
  gather: gathers,
  scatterAdd: scatters,
  gatherElements: gatherElementsCases,
  scatterAddElements: scatterElementsCases,
  pickLabel: logits.map(([n, k, seed]) => ({
    title: `[${n}, ${k}]`,
    inputs: [uniform([n, k], seed), randomIndices([n], seed + 1, k)],
    build: pickLabel,
    reference: (x, label) => tabulate([n], ([i]) => at(x, [i, label.data[i]])),
  })),
  replaceLabel: logits.map(([n, k, seed]) => ({
    title: `[${n}, ${k}]`,
    inputs: [uniform([n, k], seed), labelsOrNone(n, seed + 1, k), uniform([n], seed + 2)],
    build: replaceLabel,
    reference: (x, label, values) =>
      tabulate([n, k], ([i, j]) => (j === label.data[i] ? values.data[i] : at(x, [i, j]))),
  })),
});

describe('label logits', () => {
  it('give softmax cross-entropy the gradient (p − onehot) / n', async () => {
    const x = uniform([3, 4], 5);
    const label = [2, 0, 2];
    const { g } = await evaluate({ x, y: labels(label) }, (inputs) => ({
      g: gradients(neg(mean(pickLabel(logSoftmax(inputs.x), inputs.y))), [inputs.x])[0],
    }));
    const expected = tabulate([3, 4], ([i, j]) => {
      const row = [0, 1, 2, 3].map((k) => Math.exp(at(x, [i, k])));
      return (row[j] / row.reduce((a, b) => a + b, 0) - (j === label[i] ? 1 : 0)) / 3;
    });
    g.data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i], 6));
  });

  it('accumulates the gradients of rows that are gathered twice', async () => {
    const { g } = await evaluate({ x: uniform([3, 2], 1), rows: labels([1, 1, 0]) }, (inputs) => ({
      g: gradients(mean(gather(inputs.x, inputs.rows)), [inputs.x])[0],
    }));
    expect(Array.from(map(g, (value) => Math.round(value * 6)).data)).toEqual([1, 1, 2, 2, 0, 0]);
  });
});

it('says op, shapes and expectation where they do not fit', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  const i = graph.input('i', 'int64', [4]);
  const wide = graph.input('wide', 'int64', [3, 1]);
  expect(() => gather(x, x)).toThrow(/^gather: .*\n.*float32\[2, 3\]\n.*int64/);
  expect(() => gather(graph.scalar(1), i)).toThrow(/^gather: .*\n.*float32\[\], int64\[4\]\n.*at least one axis/);
  expect(() => scatterAdd(x, i, [5, 3])).toThrow(
    /^scatterAdd: .*\n.*float32\[2, 3\], int64\[4\]\n.*rows of \[3\], one for each index/,
  );
  expect(() => gatherElements(x, wide, 1)).toThrow(
    /^gatherElements: .*\n.*float32\[2, 3\], int64\[3, 1\]\n.*but for axis 1/,
  );
  expect(() => scatterAddElements(x, wide, x, 1)).toThrow(
    /^scatterAddElements: .*\n.*float32\[2, 3\], int64\[3, 1\], float32\[2, 3\]\n.*one shape/,
  );
  expect(() => pickLabel(i, i)).toThrow(/^pickLabel: .*\n.*int64\[4\]\n.*rank 2/);
  expect(() => pickLabel(x, i)).toThrow(/^pickLabel: .*\n.*float32\[2, 3\], int64\[4\]\n.*a label for each row/);
  expect(() => replaceLabel(x, graph.input('l', 'int64', [2]), graph.input('v', 'float32', [3]))).toThrow(
    /^replaceLabel: .*\n.*float32\[2, 3\], int64\[2\], float32\[3\]\n.*for each row/,
  );
});
