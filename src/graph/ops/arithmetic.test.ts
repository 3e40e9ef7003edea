// Arithmetic with broadcasting: values against scalar formulas, gradients against central differences, ties, and shapes that do not fit.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, distinct, fromValues, map, type NdArray, tabulate, uniform } from '../../testing/nd-array.js';
import { describeOps, gradientOf, type OpCase, seeds, shapes } from '../../testing/op-suite.js';
import {
  Graph,
  add,
  broadcastShape,
  div,
  maximum,
  minimum,
  mul,
  pow,
  scale,
  shift,
  sub,
  type Value,
} from '../index.js';

/** Two shapes that broadcast: some axes of each are 1, and leading axes of either may be missing. */
const broadcastPairs = shapes({ maxRank: 4 }).chain((shape) =>
  fc
    .tuple(
      fc.array(fc.constantFrom('both', 'a', 'b'), { minLength: shape.length, maxLength: shape.length }),
      fc.nat(shape.length),
      fc.constantFrom('a', 'b', 'neither'),
    )
    .map(([has, cut, shorter]) => {
      const a = shape.map((dim, i) => (has[i] === 'b' ? 1 : dim));
      const b = shape.map((dim, i) => (has[i] === 'a' ? 1 : dim));
      return { a: shorter === 'a' ? a.slice(cut) : a, b: shorter === 'b' ? b.slice(cut) : b };
    }),
);

function binary(
  op: (a: Value, b: Value) => Value,
  f: (a: number, b: number) => number,
  left: (shape: number[], seed: number) => NdArray = uniform,
  right: (shape: number[], seed: number) => NdArray = uniform,
): fc.Arbitrary<OpCase> {
  return fc.tuple(broadcastPairs, seeds).map(([{ a, b }, seed]) => ({
    title: `[${a.join()}] with [${b.join()}]`,
    inputs: [left(a, seed), right(b, seed + 1)],
    build: op,
    reference: (x, y) => tabulate(broadcastShape(x.shape, y.shape)!, (index) => f(at(x, index), at(y, index))),
  }));
}

/** Magnitudes in [0.5, 2], signs mixed: no division by nearly zero. */
const awayFromZero = (shape: number[], seed: number) =>
  map(uniform(shape, seed), (value) => Math.fround(Math.sign(value) * (0.5 + 0.75 * Math.abs(value))));
const positive = (shape: number[], seed: number) => uniform(shape, seed, 0.5, 2);
/** On a grid between the points of `distinct`: never equal to one of them. */
const between = (shape: number[], seed: number) => map(distinct(shape, seed), (value) => Math.fround(value + 0.025));

describeOps({
  add: binary(add, (a, b) => a + b),
  sub: binary(sub, (a, b) => a - b),
  mul: binary(mul, (a, b) => a * b),
  div: binary(div, (a, b) => a / b, uniform, awayFromZero),
  pow: binary(pow, (a, b) => a ** b, positive, uniform),
  minimum: binary(minimum, Math.min, distinct, between),
  maximum: binary(maximum, Math.max, distinct, between),
  'mul of a value with itself': fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed)],
    build: (x) => mul(x, x),
    reference: (x) => map(x, (value) => value * value),
  })),
  'scale and shift': fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed)],
    build: (x) => shift(scale(x, -1.5), 0.25),
    reference: (x) => map(x, (value) => -1.5 * value + 0.25),
  })),
});

describe('where two elements are equal', () => {
  const x = fromValues([3], [-1, 0, 1]);

  it('minimum and maximum give the whole gradient to the first', async () => {
    expect(await gradientOf(x, (value) => minimum(value, value.graph.scalar(0)))).toEqual([1, 1, 0]);
    expect(await gradientOf(x, (value) => maximum(value, value.graph.scalar(0)))).toEqual([0, 1, 1]);
    expect(await gradientOf(x, (value) => minimum(value.graph.scalar(0), value))).toEqual([1, 0, 0]);
    expect(await gradientOf(x, (value) => maximum(value.graph.scalar(0), value))).toEqual([0, 0, 1]);
  });
});

it('says op, both shapes and expectation where shapes do not broadcast', () => {
  const graph = new Graph();
  const a = graph.input('a', 'float32', [2, 3]);
  const b = graph.input('b', 'float32', [2, 4]);
  for (const [name, op] of Object.entries({ add, sub, mul, div, pow, minimum, maximum })) {
    expect(() => op(a, b)).toThrow(
      new RegExp(String.raw`^${name}: .*\n.*float32\[2, 3\], float32\[2, 4\]\n.*shapes that broadcast`),
    );
  }
  expect(() => add(a, graph.input('c', 'int64', [3]))).toThrow(/add: .*\n.*float32\[2, 3\], int64\[3\]\n.*one dtype/);
  expect(() => scale(graph.input('d', 'int64', [3]), 2)).toThrow(/scale: .*\n.*int64\[3\]\n.*float32/);
});
