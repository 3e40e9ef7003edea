// Functions of one element: values against Math, gradients against central differences, jumps, and large magnitudes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinct, fromValues, map, type NdArray, tabulate, uniform } from '../../testing/nd-array.js';
import { describeOps, evaluate, gradientOf, type OpCase, seeds, shapes } from '../../testing/op-suite.js';
import * as ops from '../index.js';
import { Graph, type Value } from '../index.js';

function unary(
  op: (x: Value) => Value,
  f: (x: number) => number,
  values: (shape: number[], seed: number) => NdArray = uniform,
): fc.Arbitrary<OpCase> {
  return fc.tuple(shapes({ minRank: 0 }), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [values(shape, seed)],
    build: op,
    reference: (x) => map(x, f),
  }));
}

const positive = (shape: number[], seed: number) => uniform(shape, seed, 0.25, 4);
/** Up to 0.95: the derivative of acos is infinite at ±1. */
const cosines = (shape: number[], seed: number) => uniform(shape, seed, -0.95, 0.95);
const angles = (shape: number[], seed: number) => uniform(shape, seed, -3, 3);
/** On both sides of 0, at least 0.5 from it. */
const awayFromZero = (shape: number[], seed: number) =>
  map(uniform(shape, seed), (x) => Math.fround(Math.sign(x) * (0.5 + Math.abs(x))));
/** Fractional parts in 0.25 … 0.75: the difference does not cross a step of floor. */
const betweenIntegers = (shape: number[], seed: number) =>
  map(uniform(shape, seed, -3, 3), (x) => Math.fround(Math.floor(x) + 0.25 + 0.5 * (x - Math.floor(x))));

describeOps({
  neg: unary(ops.neg, (x) => -x),
  exp: unary(ops.exp, Math.exp),
  log: unary(ops.log, Math.log, positive),
  sqrt: unary(ops.sqrt, Math.sqrt, positive),
  reciprocal: unary(ops.reciprocal, (x) => 1 / x, awayFromZero),
  abs: unary(ops.abs, Math.abs, distinct),
  sign: unary(ops.sign, Math.sign, distinct),
  floor: unary(ops.floor, Math.floor, betweenIntegers),
  sigmoid: unary(ops.sigmoid, (x) => 1 / (1 + Math.exp(-x))),
  tanh: unary(ops.tanh, Math.tanh),
  softplus: unary(ops.softplus, (x) => Math.log(1 + Math.exp(x))),
  cos: unary(ops.cos, Math.cos, angles),
  sin: unary(ops.sin, Math.sin, angles),
  acos: unary(ops.acos, Math.acos, cosines),
  relu: unary(ops.relu, (x) => Math.max(x, 0), distinct),
  square: unary(ops.square, (x) => x * x),
  // The grid of `distinct` holds odd multiples of 0.025: 0.5 and −0.3 are never met.
  clip: unary(
    (x) => ops.clip(x, -0.3, 0.5),
    (x) => Math.min(Math.max(x, -0.3), 0.5),
    distinct,
  ),
  affine: unary(
    (x) => ops.affine(x, -2, 0.5),
    (x) => -2 * x + 0.5,
  ),
  mix: fc.tuple(shapes(), seeds, fc.constantFrom(0, 0.25, 1)).map(([shape, seed, t]) => ({
    title: `[${shape.join()}], t = ${t}`,
    inputs: [uniform(shape, seed), uniform(shape, seed + 1)],
    build: (a, b) => ops.mix(a, b, t),
    reference: (a, b) => ({ ...a, data: a.data.map((value, i) => (1 - t) * value + t * b.data[i]) }),
  })),
});

describe('where the derivative jumps', () => {
  const x = fromValues([3], [-1, 0, 1]);

  it('relu has derivative 0 at 0', async () => {
    expect(await gradientOf(x, ops.relu)).toEqual([0, 0, 1]);
  });

  it('abs has derivative 0 at 0', async () => {
    expect(await gradientOf(x, ops.abs)).toEqual([-1, 0, 1]);
  });

  it('clip has derivative 1 on its bounds', async () => {
    const wide = fromValues([5], [-1.5, -1, 0, 1, 1.5]);
    expect(await gradientOf(wide, (value) => ops.clip(value, -1, 1))).toEqual([0, 1, 1, 1, 0]);
  });
});

it('does not overflow or lose everything at large magnitudes', async () => {
  const x = fromValues([4], [-100, -20, 20, 100]);
  const { soft, sigmoid } = await evaluate({ x }, (inputs) => ({
    soft: ops.softplus(inputs.x),
    sigmoid: ops.sigmoid(inputs.x),
  }));
  expect(soft.data[3]).toBe(100);
  expect(soft.data[2]).toBeCloseTo(20, 5);
  expect(soft.data[0]).toBeLessThan(1e-30);
  expect(sigmoid.data[3]).toBe(1);
  expect(await gradientOf(x, ops.softplus)).toEqual([expect.closeTo(0, 7), expect.closeTo(0, 7), 1, 1]);
});

it('composes: the gradient of a chain follows the chain rule', async () => {
  const x = tabulate([3], ([i]) => 0.25 + 0.25 * i);
  const gradient = await gradientOf(x, (value) => ops.cos(ops.exp(ops.square(value))));
  gradient.forEach((g, i) => {
    const at = x.data[i];
    expect(g).toBeCloseTo(-Math.sin(Math.exp(at * at)) * Math.exp(at * at) * 2 * at, 5);
  });
});

it('says op, shape and expectation where the dtype does not fit', () => {
  const labels = new Graph().input('labels', 'int64', [2, 3]);
  expect(() => ops.exp(labels)).toThrow(/^exp: .*\n.*int64\[2, 3\]\n.*dtype float32/);
  expect(() => ops.clip(labels, 0, 1)).toThrow(/^clip: .*\n.*int64\[2, 3\]\n.*dtype float32/);
});
