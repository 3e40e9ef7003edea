// Blocks of channels: told by the order of what comes back, and used for depthwise convolutions where there are any.
import { expect, it } from 'vitest';
import { conv2d, Graph, serialize } from '../graph/index.js';
import { blockOf } from './channel-blocks.js';
import { loadBackend, Session, targetFor } from './index.js';

/** Two pixels of sixteen channels, numbered channel by channel, in blocks. */
const inBlocks = (block: number): number[] =>
  Array.from({ length: 16 / block }, (_, i) => i * block).flatMap((first) =>
    [0, 1].flatMap((pixel) => Array.from({ length: block }, (_, c) => 2 * (first + c) + pixel)),
  );

it('knows blocks of 8 and 16 channels by the order of what it gets back, and no others', () => {
  expect(blockOf(inBlocks(8))).toBe(8);
  expect(blockOf(inBlocks(16))).toBe(16);
  for (const block of [1, 2, 4]) expect(blockOf(inBlocks(block)), String(block)).toBeUndefined();
});

it('a depthwise convolution is computed in them where there are any', async () => {
  const { name } = await loadBackend();
  expect(name).toBe('onnxruntime-node');
  const target = await targetFor('cpu');
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 32, 5, 4]);
  const y = conv2d(x, graph.input('w', 'float32', [32, 1, 3, 3]), { groups: 32, padding: 1 });
  const model = serialize(graph, { outputs: { y }, target });
  expect(Buffer.from(model).includes('ReorderInput')).toBe(target.channelBlock !== undefined);
  await using session = await Session.create(model);
  expect(session.outputNames).toEqual(['y']);
});
