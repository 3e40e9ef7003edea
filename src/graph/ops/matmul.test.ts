// Matrix products, transposed and batched: values against naive loops, gradients against central differences, shapes that do not fit.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { at, type NdArray, tabulate, uniform } from '../../testing/nd-array.js';
import { describeOps, type OpCase, seeds } from '../../testing/op-suite.js';
import { broadcastShape, Graph, matmul } from '../index.js';

function matmulReference(a: NdArray, b: NdArray, transposeA: boolean, transposeB: boolean): NdArray {
  const [m, k] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const n = b.shape.at(transposeB ? -2 : -1)!;
  return tabulate([...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))!, m, n], (index) => {
    const lead = index.slice(0, -2);
    const [i, j] = index.slice(-2);
    let total = 0;
    for (let l = 0; l < k; l++) {
      total +=
        at(a, [...lead, ...(transposeA ? [l, i] : [i, l])]) * at(b, [...lead, ...(transposeB ? [j, l] : [l, j])]);
    }
    return total;
  });
}

const dim = fc.integer({ min: 1, max: 4 });
/** Leading axes: none, on one side only, equal, or 1 against many. */
const leads = fc.constantFrom<[number[], number[]]>(
  [[], []],
  [[3], []],
  [[], [3]],
  [[2], [2]],
  [[2, 3], [3]],
  [
    [1, 3],
    [2, 1],
  ],
  [
    [2, 1],
    [1, 3],
  ],
);

const products: fc.Arbitrary<OpCase> = fc
  .tuple(leads, dim, dim, dim, fc.boolean(), fc.boolean(), seeds)
  .map(([[leadA, leadB], m, k, n, transposeA, transposeB, seed]) => ({
    title: `[${leadA.join()}] ${m}×${k}${transposeA ? 'ᵀ' : ''} times [${leadB.join()}] ${k}×${n}${transposeB ? 'ᵀ' : ''}`,
    inputs: [
      uniform([...leadA, ...(transposeA ? [k, m] : [m, k])], seed),
      uniform([...leadB, ...(transposeB ? [n, k] : [k, n])], seed + 1),
    ],
    build: (a, b) => matmul(a, b, { transposeA, transposeB }),
    reference: (a, b) => matmulReference(a, b, transposeA, transposeB),
  }));

const gram: fc.Arbitrary<OpCase> = fc.tuple(dim, dim, seeds).map(([m, k, seed]) => ({
  title: `${m}×${k} times its own transpose`,
  inputs: [uniform([m, k], seed)],
  build: (a) => matmul(a, a, { transposeB: true }),
  reference: (a) => matmulReference(a, a, false, true),
}));

describeOps({ matmul: products, 'matmul of a value with itself': gram });

it('says op, both shapes and expectation where they do not fit', () => {
  const graph = new Graph();
  const a = graph.input('a', 'float32', [2, 3]);
  const b = graph.input('b', 'float32', [4, 3]);
  expect(() => matmul(a, b)).toThrow(/^matmul: .*\n.*float32\[2, 3\], float32\[4, 3\]\n.*k is 3 and 4/);
  expect(() => matmul(a, b, { transposeA: true, transposeB: true })).toThrow(
    /k is 2 and 3, A transposed, B transposed/,
  );
  expect(() => matmul(a, graph.input('v', 'float32', [3]))).toThrow(/^matmul: .*\n.*float32\[3\]\n.*two axes/);
  expect(() => matmul(graph.input('p', 'float32', [2, 2, 3]), graph.input('q', 'float32', [3, 3, 2]))).toThrow(
    /^matmul: .*\n.*float32\[2, 2, 3\], float32\[3, 3, 2\]/,
  );
});
