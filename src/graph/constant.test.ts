// Constants of a graph: every dtype as the runtime reads it, views, sharing, and data that do not fit their shape.
import { expect, it } from 'vitest';
import { Session } from '../runtime/index.js';
import { Graph, serialize, type Value } from './index.js';

async function outputsOf(graph: Graph, outputs: Record<string, Value>) {
  await using session = await Session.create(serialize(graph, { outputs }), { threads: 1 });
  return await session.run({});
}

it('stores every dtype as it is', async () => {
  const graph = new Graph();
  const results = await outputsOf(graph, {
    float: graph.constant(Float32Array.of(1.5, -2), [2]),
    long: graph.constant(BigInt64Array.of(-1n, 2n ** 40n), [2]),
    int: graph.constant(Int32Array.of(-7, 7), [2]),
    byte: graph.constant(Uint8Array.of(0, 255), [2]),
    truth: graph.constant(Uint8Array.of(0, 1), [2], { dtype: 'bool' }),
    half: graph.constant(Uint16Array.of(0x3c00, 0xc000), [2]),
    scalar: graph.scalar(3),
  });
  expect(Array.from(results.float.data as Float32Array)).toEqual([1.5, -2]);
  expect(Array.from(results.long.data as BigInt64Array)).toEqual([-1n, 2n ** 40n]);
  expect(Array.from(results.int.data as Int32Array)).toEqual([-7, 7]);
  expect(Array.from(results.byte.data as Uint8Array)).toEqual([0, 255]);
  expect(Array.from(results.truth.data as Uint8Array)).toEqual([0, 1]);
  expect(results.half.type).toBe('float16');
  expect(results.scalar.dims).toEqual([]);
});

it('copies a view with an offset correctly', async () => {
  const graph = new Graph();
  const all = Float32Array.of(0, 1, 2, 3, 4);
  const { y } = await outputsOf(graph, { y: graph.constant(all.subarray(2, 4), [2]) });
  expect(Array.from(y.data as Float32Array)).toEqual([2, 3]);
});

it('shares small constants of equal content and dtype only', () => {
  const graph = new Graph();
  expect(graph.scalar(0.5)).toBe(graph.scalar(0.5));
  expect(graph.scalar(0.5)).not.toBe(graph.scalar(0.25));
  expect(graph.scalar(0)).not.toBe(graph.scalar(-0));
  expect(graph.constant(Float32Array.of(1), [1])).not.toBe(graph.constant(Float32Array.of(1), []));
  expect(graph.constant(Float32Array.of(1), [1])).not.toBe(graph.constant(Int32Array.of(1), [1]));
  expect(graph.constant(Float32Array.of(1), [1], { name: 'a' })).not.toBe(
    graph.constant(Float32Array.of(1), [1], { name: 'b' }),
  );
});

it('says elements and shape where they do not fit', () => {
  expect(() => new Graph().constant(new Float32Array(5), [2, 3])).toThrow(
    /got: 5 elements\n.*expected: 6 for \[2, 3\]/,
  );
});
