import { expect, it } from 'vitest';
import { add, exp, Graph, reshape, ShapeError, slice } from './index.js';

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
