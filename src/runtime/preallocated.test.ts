// Outputs written into the caller's own buffers: parts of larger ones, and those of inputs.
import { expect, it } from 'vitest';
import { add, Graph, serialize } from '../graph/index.js';
import { float32, float32Data, Session } from './index.js';

it('writes into the buffers that the caller owns, parts of larger ones and inputs included', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  const model = serialize(graph, { outputs: { y: add(x, x), z: add(x, graph.scalar(1)) } });
  await using session = await Session.create(model);
  const owner = Float32Array.of(1, 2, 3, 4, 5, 6);
  const own = float32(owner.subarray(2, 4), [2]);
  const { y, z } = await session.run({ x: own }, { y: own });
  expect([...owner]).toEqual([1, 2, 6, 8, 5, 6]);
  expect([...float32Data(y)]).toEqual([6, 8]);
  expect(z.dims).toEqual([2]);
});
