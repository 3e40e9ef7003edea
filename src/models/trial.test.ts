// Models that import without an error although what they give are no embeddings to compare, or not of one picture alone.
import { describe, expect, it } from 'vitest';
import type { InputSpec } from '../images/input.js';
import { encodeModel, hashedTensor, testModel, type TestNode, type TestTensor } from '../testing/onnx-model.js';
import { encodeMetadata } from './metadata.js';
import { withMetadataProps } from '../graph/onnx/index.js';
import { tryImported } from './trial.js';

const input: InputSpec = {
  ...{ width: 8, height: 8, channelOrder: 'RGB', mean: [127.5, 127.5, 127.5], scale: [128, 128, 128] },
  alignment: { template: 'test', solver: 'umeyama', version: 1 },
};

/** [n] of one value. */
const filled = (n: number, value: number): TestTensor => ({ shape: [n], data: new Float32Array(n).fill(value) });

/** [batch, 3, 8, 8] → [batch, 5]: a convolution, `nodes` from x to y, and a projection. */
function network(nodes: readonly TestNode[], tensors: Readonly<Record<string, TestTensor>> = {}): Uint8Array {
  const model = testModel({
    opset: 17,
    images: ['batch', 3, 8, 8],
    nodes: [
      { op: 'Conv', inputs: ['images', 'kernel'], outputs: ['x'] },
      ...nodes,
      { op: 'Flatten', inputs: ['y'], outputs: ['flat'] },
      { op: 'MatMul', inputs: ['flat', 'projection'], outputs: ['embedding'] },
    ],
    initializers: { kernel: hashedTensor([4, 3, 1, 1], 1), projection: hashedTensor([256, 5], 2), ...tensors },
    outputs: ['embedding'],
  });
  const metadata = new Map(Object.entries(encodeMetadata({ input, embeddingSize: 5 })));
  return withMetadataProps(encodeModel(model), metadata, 'test');
}

const attempt = (nodes: readonly TestNode[], tensors?: Readonly<Record<string, TestTensor>>) =>
  tryImported({ model: network(nodes, tensors), input }, 'foreign.onnx', { threads: 1 });

const batchNorm = (training: boolean): Parameters<typeof network> => [
  [
    {
      op: 'BatchNormalization',
      // In training mode the runtime writes into the last two.
      inputs: ['x', 'scale', 'bias', 'running mean', 'running variance'],
      outputs: training ? ['y', 'mean', 'variance'] : ['y'],
      attributes: training ? { training_mode: 1 } : {},
    },
  ],
  {
    ...{ scale: filled(4, 1), bias: filled(4, 0) },
    ...{ 'running mean': filled(4, 0), 'running variance': filled(4, 1) },
  },
];

const times = (value: number): Parameters<typeof network> => [
  [{ op: 'Mul', inputs: ['x', 'factor'], outputs: ['y'] }],
  { factor: filled(1, value) },
];

describe('an imported model', () => {
  it('passes where each picture has an embedding of its own', async () => {
    expect(await attempt(...batchNorm(false))).toEqual([]);
  });

  it('is told to be in training mode where a picture depends on those beside it', async () => {
    expect(await attempt(...batchNorm(true))).toEqual([
      expect.stringMatching(/changes with those that are embedded beside it.*model\.eval\(\)/),
    ]);
  });

  it('is told to be in training mode where the same picture gives another embedding each time', async () => {
    const noise: TestNode[] = [
      { op: 'RandomUniformLike', inputs: ['x'], outputs: ['noise'] },
      { op: 'Add', inputs: ['x', 'noise'], outputs: ['y'] },
    ];
    expect(await attempt(noise)).toEqual([expect.stringMatching(/changes .* from run to run/)]);
  });

  it('is told to be empty, or blind', async () => {
    expect(await attempt(...times(0))).toEqual([expect.stringMatching(/nothing but zeros/)]);
    const blind: TestNode[] = [
      { op: 'Mul', inputs: ['x', 'nothing'], outputs: ['none'] },
      { op: 'Add', inputs: ['none', 'one'], outputs: ['y'] },
    ];
    expect(await attempt(blind, { nothing: filled(1, 0), one: filled(1, 1) })).toEqual([
      expect.stringMatching(/same embedding for two different pictures/),
    ]);
  });

  it.each([NaN, Infinity])('is refused where embeddings hold %s', async (value) => {
    await expect(attempt(...times(value))).rejects.toThrow(
      /^foreign.onnx gives no usable embeddings[^]*got: -?(NaN|Infinity) among/,
    );
  });

  it('is said to take one picture at a time', async () => {
    const reshape: TestNode[] = [{ op: 'Reshape', inputs: ['x', 'shape'], outputs: ['y'] }];
    const shape = { shape: [4], data: BigInt64Array.of(1n, 4n, 8n, 8n) };
    expect(await attempt(reshape, { shape })).toEqual([expect.stringMatching(/one picture at a time/)]);
  });
});
