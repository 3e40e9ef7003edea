// Ops that move, cut, cast or pass on values: against naive indexing and central differences, and what they refuse.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, fromValues, indicesOf, map, type NdArray, tabulate, uniform } from '../../testing/nd-array.js';
import { describeOps, evaluate, gradientOf, type OpCase, seeds, shapes } from '../../testing/op-suite.js';
import {
  cast,
  concat,
  expand,
  flatten,
  Graph,
  gradients,
  mul,
  pad,
  reshape,
  scaleGradient,
  slice,
  stopGradient,
  sum,
  transpose,
  type Value,
} from '../index.js';

const reshaped = (x: NdArray, shape: readonly number[]): NdArray => ({ ...x, shape });

const reshapes: fc.Arbitrary<OpCase> = shapes({ maxRank: 3 })
  .chain((shape) =>
    fc.tuple(fc.constant(shape), fc.shuffledSubarray(shape, { minLength: shape.length }), fc.nat(3), seeds),
  )
  .map(([shape, order, unknown, seed]) => {
    const target = order.map((dim, i) => (i === unknown ? -1 : dim));
    return {
      title: `[${shape.join()}] as [${target.join()}]`,
      inputs: [uniform(shape, seed)],
      build: (x) => reshape(x, target),
      reference: (x) => reshaped(x, order),
    };
  });

const flattens: fc.Arbitrary<OpCase> = shapes()
  .chain((shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length), seeds))
  .map(([shape, axis, seed]) => ({
    title: `[${shape.join()}] at axis ${axis}`,
    inputs: [uniform(shape, seed)],
    build: (x) => flatten(x, axis),
    reference: (x) =>
      reshaped(
        x,
        [shape.slice(0, axis), shape.slice(axis)].map((dims) => dims.reduce((a, b) => a * b, 1)),
      ),
  }));

const transposes: fc.Arbitrary<OpCase> = shapes()
  .chain((shape) =>
    fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }), seeds),
  )
  .map(([shape, order, seed]) => ({
    title: `[${shape.join()}] in order ${order.join()}`,
    inputs: [uniform(shape, seed)],
    build: (x) => transpose(x, order),
    reference: (x) =>
      tabulate(
        order.map((axis) => shape[axis]),
        (index) =>
          at(
            x,
            order.map((_, axis) => index[order.indexOf(axis)]),
          ),
      ),
  }));

const expands: fc.Arbitrary<OpCase> = shapes()
  .chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      fc.nat(shape.length - 1),
      seeds,
    ),
  )
  .map(([shape, repeated, cut, seed]) => {
    const source = shape.map((dim, i) => (repeated[i] ? 1 : dim)).slice(cut);
    return {
      title: `[${source.join()}] to [${shape.join()}]`,
      inputs: [uniform(source, seed)],
      build: (x) => expand(x, shape),
      reference: (x) => tabulate(shape, (index) => at(x, index)),
    };
  });

const concats: fc.Arbitrary<OpCase> = shapes()
  .chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.integer({ min: -shape.length, max: shape.length - 1 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      seeds,
    ),
  )
  .map(([shape, axis, lengths, seed]) => {
    const along = axis < 0 ? axis + shape.length : axis;
    return {
      title: `[${shape.join()}], lengths ${lengths.join()} along axis ${axis}`,
      inputs: lengths.map((length, i) =>
        uniform(
          shape.map((dim, a) => (a === along ? length : dim)),
          seed + i,
        ),
      ),
      build: (...parts) => concat(parts, axis),
      reference: (...parts) => {
        const total = lengths.reduce((a, b) => a + b, 0);
        return tabulate(
          shape.map((dim, a) => (a === along ? total : dim)),
          (index) => {
            let rest = index[along];
            const part = lengths.findIndex((length) => rest < length || ((rest -= length), false));
            return at(
              parts[part],
              index.map((i, a) => (a === along ? rest : i)),
            );
          },
        );
      },
    };
  });

const slices: fc.Arbitrary<OpCase> = shapes({ maxDim: 6 })
  .chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.shuffledSubarray([...shape.keys()], { minLength: 1 }),
      fc.array(fc.tuple(fc.nat(5), fc.nat(5), fc.integer({ min: 1, max: 3 })), {
        minLength: shape.length,
        maxLength: shape.length,
      }),
      fc.boolean(),
      seeds,
    ),
  )
  .map(([shape, axes, numbers, negative, seed]) => {
    const ranges = axes.map((axis, i) => {
      const start = numbers[i][0] % shape[axis];
      return { axis, start, end: start + 1 + (numbers[i][1] % (shape[axis] - start)), step: numbers[i][2] };
    });
    const taken = shape.map(
      (dim, axis) => ranges.find((range) => range.axis === axis) ?? { start: 0, end: dim, step: 1 },
    );
    return {
      title: `[${shape.join()}], ${ranges.map(({ axis, start, end, step }) => `axis ${axis}: ${start}…${end} by ${step}`).join(', ')}`,
      inputs: [uniform(shape, seed)],
      build: (x) =>
        slice(x, {
          axes: axes.map((axis) => (negative ? axis - shape.length : axis)),
          starts: ranges.map(({ start }) => start),
          ends: ranges.map(({ end }) => end),
          steps: ranges.map(({ step }) => step),
        }),
      reference: (x) =>
        tabulate(
          taken.map(({ start, end, step }) => Math.ceil((end - start) / step)),
          (index) =>
            at(
              x,
              index.map((i, axis) => taken[axis].start + i * taken[axis].step),
            ),
        ),
    };
  });

const pads: fc.Arbitrary<OpCase> = shapes({ maxRank: 3 })
  .chain((shape) => {
    const counts = fc.array(fc.nat(2), { minLength: shape.length, maxLength: shape.length });
    return fc.tuple(fc.constant(shape), counts, counts, seeds);
  })
  .map(([shape, before, after, seed]) => ({
    title: `[${shape.join()}] with ${before.join()} before and ${after.join()} after`,
    inputs: [uniform(shape, seed)],
    build: (x) => pad(x, { before, after }),
    reference: (x) =>
      tabulate(
        shape.map((dim, axis) => before[axis] + dim + after[axis]),
        (index) => {
          const inside = index.map((i, axis) => i - before[axis]);
          return inside.every((i, axis) => i >= 0 && i < shape[axis]) ? at(x, inside) : 0;
        },
      ),
  }));

describeOps({
  reshape: reshapes,
  flatten: flattens,
  transpose: transposes,
  expand: expands,
  concat: concats,
  slice: slices,
  pad: pads,
  stopGradient: fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed)],
    build: stopGradient,
    reference: (x) => x,
    unchecked: [0],
  })),
  scaleGradient: fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed), uniform([], seed + 1)],
    build: scaleGradient,
    reference: (x) => x,
    unchecked: [0, 1],
  })),
});

describe('scaleGradient', () => {
  it('multiplies the gradient that passes, and leaves the value', async () => {
    const x = fromValues([3], [1, 2, 3]);
    const factored = (value: Value) => scaleGradient(value, value.graph.scalar(8));
    expect(await gradientOf(x, (value) => mul(factored(value), factored(value)))).toEqual([16, 32, 48]);
    expect(() => factorOf([2])).toThrow('a factor of one element');
  });
});

function factorOf(shape: readonly number[]): Value {
  const graph = new Graph();
  return scaleGradient(graph.input('x', 'float32', [3]), graph.input('factor', 'float32', shape));
}

describe('stopGradient', () => {
  it('treats its input as a constant', async () => {
    const x = fromValues([3], [1, 2, 3]);
    expect(await gradientOf(x, (value) => mul(stopGradient(value), value))).toEqual([1, 2, 3]);
    expect(await gradientOf(x, stopGradient)).toEqual([0, 0, 0]);
  });
});

describe('cast', () => {
  it('rounds to half precision and back, and lets the gradient through', async () => {
    const x = fromValues([3], [1 / 3, -2, 1000.3]);
    const { y, g } = await evaluate({ x }, (inputs) => {
      const back = cast(cast(inputs.x, 'float16'), 'float32');
      return { y: back, g: gradients(sum(back), [inputs.x])[0] };
    });
    expect(Array.from(y.data)).toEqual([0.333251953125, -2, 1000.5]);
    expect(Array.from(g.data)).toEqual([1, 1, 1]);
  });

  it('truncates to integers, through which no gradient flows', async () => {
    const x = fromValues([3], [1.75, -2.5, 0]);
    const { y, g } = await evaluate({ x }, (inputs) => {
      const whole = cast(cast(inputs.x, 'int32'), 'float32');
      return { y: whole, g: gradients(sum(whole), [inputs.x])[0] };
    });
    expect(Array.from(map(y, (value) => value + 0).data)).toEqual([1, -2, 0]);
    expect(Array.from(g.data)).toEqual([0, 0, 0]);
  });
});

it('returns the value itself where nothing changes', () => {
  const x = new Graph().input('x', 'float32', [2, 3]);
  expect(reshape(x, [2, -1])).toBe(x);
  expect(expand(x, [2, 3])).toBe(x);
  expect(concat([x], 0)).toBe(x);
  expect(slice(x, { axes: [0], starts: [0], ends: [2] })).toBe(x);
  expect(pad(x, { before: [0, 0], after: [0, 0] })).toBe(x);
  expect(cast(x, 'float32')).toBe(x);
  expect([...indicesOf(x.shape)]).toHaveLength(x.size);
});

it('says op, shapes and expectation where they do not fit', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  const y = graph.input('y', 'float32', [4, 2]);
  expect(() => reshape(x, [4, 2])).toThrow(/^reshape: .*\n.*float32\[2, 3\]\n.*6 elements, not \[4, 2\]/);
  expect(() => reshape(x, [4, -1])).toThrow(/^reshape: .*\n.*float32\[2, 3\]/);
  expect(() => reshape(x, [-1, -1])).toThrow(/^reshape: .*\n.*float32\[2, 3\]/);
  expect(() => flatten(x, 3)).toThrow(/^flatten: .*\n.*float32\[2, 3\]\n.*axis/);
  expect(() => transpose(x, [0])).toThrow(/^transpose: .*\n.*float32\[2, 3\]\n.*an order of 2 axes, got \[0\]/);
  expect(() => transpose(x, [0, 0])).toThrow(/^transpose: .*\n.*\n.*distinct axes/);
  expect(() => expand(x, [2, 4])).toThrow(/^expand: .*\n.*float32\[2, 3\]\n.*broadcasts to \[2, 4\]/);
  expect(() => concat([x, y], 1)).toThrow(/^concat: .*\n.*float32\[2, 3\], float32\[4, 2\]\n.*but for axis 1/);
  expect(() => concat([x], 2)).toThrow(/^concat: .*\n.*\n.*rank 2/);
  expect(() => slice(x, { axes: [1], starts: [1], ends: [4] })).toThrow(
    /^slice: .*\n.*float32\[2, 3\]\n.*a range within axis 1, not 1…4 by 1/,
  );
  expect(() => slice(x, { axes: [0, 1], starts: [0], ends: [1] })).toThrow(
    /^slice: .*\n.*float32\[2, 3\]\n.*for each axis of \[0, 1\]/,
  );
  expect(() => pad(x, { before: [1], after: [0, 0] })).toThrow(/^pad: .*\n.*float32\[2, 3\]\n.*2 non-negative counts/);
});
