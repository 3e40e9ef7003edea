// Where a start's parameters go: by name, and the classifier's rows by their identities' names.
import { describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import type { Weights } from '../models/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { initializeFrom, type InitRows } from './init.js';

const filler = { type: 'xavier' } as const;

/** A network with a classifier for these people, all of its values −1. */
function network(identities: readonly string[], embeddingSize = 2) {
  const specs: ParameterSpec[] = [
    { name: 'fc5.weight', role: 'weight', shape: [2, 3], filler },
    { name: 'fc6.weight', role: 'classifier', shape: [identities.length, embeddingSize], filler },
  ];
  const values = new Map(specs.map(({ name, shape }) => [name, new Float32Array(shape[0] * shape[1]).fill(-1)]));
  return { specs, values, identities };
}

/** A model whose row of the n-th person is (n, n + 0.5). */
function model(count: number, identities?: readonly string[]): Weights {
  const data = Float32Array.from({ length: count * 2 }, (_, i) => (i >> 1) + (i & 1) / 2);
  const parameters = new Map([
    ['fc5.weight', { shape: [2, 3], data: new Float32Array(6).fill(7) }],
    ['fc6.weight', { shape: [count, 2], data }],
  ]);
  return { parameters, ...(identities === undefined ? {} : { identities }) };
}

const init = (target: ReturnType<typeof network>, weights: Weights, mode: InitRows = 'by-name') =>
  initializeFrom(target, weights, mode, 'm.onnx');
const rows = ({ values }: ReturnType<typeof network>) => [...values.get('fc6.weight')!];

describe('rows by name', () => {
  it('go to their people, wherever they stand', () => {
    const target = network(['c', 'a', 'b']);
    const report = init(target, model(3, ['a', 'b', 'c']));
    expect(rows(target)).toEqual([2, 2.5, 0, 0.5, 1, 1.5]);
    expect(report).toMatchObject({ copied: ['fc5.weight', 'fc6.weight'], fresh: [], differing: [], unused: [] });
    expect(report.rows).toEqual({ mode: 'by-name', matched: ['c', 'a', 'b'], fresh: [], leftBehind: [] });
  });

  it('of people who are in both are copied, whatever their number; others start fresh', () => {
    const target = network(['b', 'd', 'e', 'a']);
    const report = init(target, model(3, ['a', 'b', 'c']));
    expect(rows(target)).toEqual([1, 1.5, -1, -1, -1, -1, 0, 0.5]);
    expect(report.rows).toEqual({ mode: 'by-name', matched: ['b', 'a'], fresh: ['d', 'e'], leftBehind: ['c'] });
  });

  it('of other people are not copied, and the backbone is', () => {
    const target = network(['x', 'y', 'z']);
    const report = init(target, model(3, ['a', 'b', 'c']));
    expect(rows(target)).toEqual([-1, -1, -1, -1, -1, -1]);
    expect(report).toMatchObject({ copied: ['fc5.weight'], fresh: ['fc6.weight'] });
    expect(report.rows).toMatchObject({ matched: [], leftBehind: ['a', 'b', 'c'] });
  });

  it('are refused where the model has no names, with what can be done', () => {
    const target = network(['a', 'b', 'c']);
    expect(() => init(target, model(3))).toThrow(UsageError);
    expect(() => init(target, model(3))).toThrow(/m\.onnx[\s\S]*--init-rows by-position[\s\S]*--init-rows fresh/);
    expect(rows(target)).toEqual([-1, -1, -1, -1, -1, -1]);
  });

  it('are refused where names and rows contradict each other', () => {
    expect(() => init(network(['a', 'b']), model(2, ['a', 'b', 'c']))).toThrow(/2 rows and 3 names/);
  });

  it('start fresh where there could be no place for them: no names and another number, or another size', () => {
    const without = network(['a', 'b']);
    expect(init(without, model(3)).differing).toEqual([{ name: 'fc6.weight', network: [2, 2], model: [3, 2] }]);
    const wide = network(['a', 'b', 'c'], 4);
    expect(init(wide, model(3, ['a', 'b', 'c'])).differing.map(({ name }) => name)).toEqual(['fc6.weight']);
    expect(rows(wide).every((value) => value === -1)).toBe(true);
  });
});

describe('rows by position', () => {
  it('are all copied, names or not', () => {
    for (const names of [undefined, ['c', 'b', 'a']]) {
      const target = network(['a', 'b', 'c']);
      expect(init(target, model(3, names), 'by-position').rows).toMatchObject({ matched: ['a', 'b', 'c'] });
      expect(rows(target)).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
    }
  });

  it('need one row for each person', () => {
    expect(() => init(network(['a', 'b']), model(3), 'by-position')).toThrow(/3 rows[\s\S]*2, one for each/);
  });
});

it('fresh rows leave the classifier alone', () => {
  const target = network(['a', 'b', 'c']);
  const report = init(target, model(3, ['a', 'b', 'c']), 'fresh');
  expect(report).toMatchObject({ copied: ['fc5.weight'], fresh: ['fc6.weight'] });
  expect(report.rows).toBeUndefined();
  expect(rows(target)).toEqual([-1, -1, -1, -1, -1, -1]);
});
