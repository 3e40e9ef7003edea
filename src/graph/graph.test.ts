// The graph itself: names of inputs, values kept apart, errors in parts, and nodes of ops that the library does not know.
import { describe, expect, it } from 'vitest';
import { fromValues } from '../testing/nd-array.js';
import { evaluate } from '../testing/op-suite.js';
import { add, exp, Graph, type Op, reshape, ShapeError, slice, type Value } from './index.js';

it('gives every input its own name', () => {
  const graph = new Graph();
  graph.input('x', 'float32', [2]);
  expect(() => graph.input('x', 'float32', [3])).toThrow(/already has an input "x"/);
});

it('keeps values of different graphs apart', () => {
  const x = new Graph().input('x', 'float32', [2]);
  const y = new Graph().input('y', 'float32', [2]);
  expect(() => add(x, y)).toThrow(/^add: an input belongs to another graph/);
});

it('does not depend on arrays the caller changes later', () => {
  const graph = new Graph();
  const shape = [2, 3];
  const x = graph.input('x', 'float32', shape);
  shape[0] = 7;
  expect(x.shape).toEqual([2, 3]);
  const starts = [0];
  const part = slice(x, { axes: [0], starts, ends: [1] });
  starts[0] = 1;
  expect(part.producer!.attributes.starts).toEqual([0]);
  expect(x).toMatchObject({ rank: 2, size: 6 });
  expect(exp(x)).toMatchObject({ rank: 2, size: 6, dtype: 'float32' });
});

it('throws a ShapeError with op, shapes and expectation in its parts', () => {
  const x = new Graph().input('x', 'float32', [2, 3]);
  const failure = (() => {
    try {
      return reshape(x, [5]);
    } catch (error) {
      return error;
    }
  })();
  expect(failure).toBeInstanceOf(ShapeError);
  expect(failure).toMatchObject({
    name: 'ShapeError',
    parts: { got: 'float32[2, 3]', expected: '6 elements, not [5]' },
  });
});

describe('ops that the library does not know', () => {
  /** `x · factor`, under a name that all of them share, with attributes of their own. */
  function times(factor: number): Op {
    return {
      name: 'times',
      infer: ([x]) => [x],
      emit: (emitter, { inputs: [x], outputs: [y] }) => {
        emitter.node('Mul', [emitter.nameOf(x), emitter.float(factor)], { outputs: [emitter.nameOf(y)] });
      },
      gradient: 'zero',
    };
  }
  const [twice, thrice] = [times(2), times(3)];
  const apply = (op: Op, x: Value, attributes: Readonly<Record<string, unknown>> = {}) =>
    x.graph.apply(op, [x], attributes)[0];

  it('are different nodes although they have one name', async () => {
    const { two, three } = await evaluate({ x: fromValues([2], [1, -4]) }, ({ x }) => ({
      two: apply(twice, x),
      three: apply(thrice, x),
    }));
    expect(Array.from(two.data)).toEqual([2, -8]);
    expect(Array.from(three.data)).toEqual([3, -12]);
  });

  it('are one node when the op, the inputs and the attributes are the same', () => {
    const x = new Graph().input('x', 'float32', [2]);
    expect(apply(twice, x)).toBe(apply(twice, x));
    expect(apply(twice, x, { a: 1 })).not.toBe(apply(twice, x, { a: '1' }));
  });

  it('may have attributes with the names of those of a constant', async () => {
    const attributes = { data: Float32Array.of(1), name: 'given' };
    const { first, second } = await evaluate({ x: fromValues([1], [1]), z: fromValues([1], [5]) }, ({ x, z }) => {
      const [a, b] = [apply(twice, x, attributes), apply(twice, z, attributes)];
      return { first: add(a, x), second: add(b, z) };
    });
    expect(Array.from(first.data)).toEqual([3]);
    expect(Array.from(second.data)).toEqual([15]);
  });

  it('are refused with attributes that cannot be compared', () => {
    const x = new Graph().input('x', 'float32', [2]);
    for (const table of [new Map([[1, 2]]), () => 1, 1n, Symbol('table')]) {
      expect(() => apply(twice, x, { options: [{ table }] })).toThrow(/^times: .*attribute "table".*\n.*plain data/s);
    }
  });
});
