// Ops on whole channels: values against naive loops, gradients against central differences, and shapes that do not fit.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { at, indicesOf, type NdArray, tabulate, uniform } from '../../testing/nd-array.js';
import { describeOps, seeds } from '../../testing/op-suite.js';
import { channelAffine, channelDot, channelMoments, Graph } from '../index.js';

const upTo = (max: number) => fc.integer({ min: 1, max });
/** Pictures on both sides of the 16 pixels from which the CPU has forms of its own, and values of rank 2. */
const shapes: fc.Arbitrary<number[]> = fc
  .tuple(upTo(3), upTo(3), fc.oneof(fc.constant([]), fc.tuple(upTo(6), upTo(6))))
  .map(([n, c, size]) => [n, c, ...size]);

const perChannel = (x: NdArray, term: (index: readonly number[]) => number): NdArray => {
  const totals = new Array<number>(x.shape[1]).fill(0);
  for (const index of indicesOf(x.shape)) totals[index[1]] += term(index);
  return tabulate([x.shape[1]], ([k]) => totals[k]);
};

const meanOf = (x: NdArray): NdArray => perChannel(x, (index) => at(x, index) / (x.data.length / x.shape[1]));

describeOps({
  channelAffine: fc.tuple(shapes, seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed), uniform([shape[1]], seed + 1), uniform([shape[1]], seed + 2)],
    build: channelAffine,
    reference: (x, scale, offset) =>
      tabulate(x.shape, (index) => scale.data[index[1]] * at(x, index) + offset.data[index[1]]),
  })),
  'channelAffine without an offset': fc.tuple(shapes, seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed), uniform([shape[1]], seed + 1)],
    build: (x, scale) => channelAffine(x, scale),
    reference: (x, scale) => tabulate(x.shape, (index) => scale.data[index[1]] * at(x, index)),
  })),
  channelDot: fc.tuple(shapes, seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed), uniform(shape, seed + 1)],
    build: channelDot,
    reference: (x, y) => perChannel(x, (index) => at(x, index) * at(y, index)),
  })),
  'mean of channelMoments': fc.tuple(shapes, seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed)],
    build: (x) => channelMoments(x).mean,
    reference: meanOf,
  })),
  'variance of channelMoments': fc.tuple(shapes, seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed)],
    build: (x) => channelMoments(x).variance,
    reference: (x) => {
      const mean = meanOf(x);
      return perChannel(x, (index) => (at(x, index) - mean.data[index[1]]) ** 2 / (x.data.length / x.shape[1]));
    },
  })),
});

it('says which shapes it wants', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3, 4, 4]);
  const two = graph.input('two', 'float32', [2]);
  expect(() => channelAffine(x, two)).toThrow(/^channelAffine: .*\n.*float32\[2\]\n.*a factor \[c\]/);
  expect(() => channelDot(x, two)).toThrow(/^channelDot: .*\n.*\n.*of one shape/);
  expect(() => channelMoments(two)).toThrow(/^channelMoments: .*\n.*\n.*x \[n, c, …\]/);
});
