// dlib's residual network, with the batch normalisation folded in, against PyTorch's with it apart (tools/dlib_resnet_golden.py): random
// weights of a hash, so that none is stored.
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Graph, serialize } from '../../graph/index.js';
import type { Parameter } from '../../graph/onnx/index.js';
import { float32, float32Data, Session } from '../../runtime/index.js';
import { hashedUniform } from '../../testing/hashed.js';
import { dlibResNet, weightShapes } from './residual-network.js';

const golden = JSON.parse(readFileSync(new URL('./residual-network.golden.json', import.meta.url), 'utf8')) as {
  readonly embedding: readonly (readonly number[])[];
};

/** Kernels that keep the signal's strength, factors near one, small offsets. */
function randomWeights(): Map<string, Parameter> {
  return new Map(
    [...weightShapes].map(([name, shape]) => {
      const size = shape.reduce((product, dim) => product * dim, 1);
      const isKernel = name.endsWith('filters') || name === 'fc';
      const spread = isKernel ? Math.sqrt((3 * shape.at(-1)!) / size) : name.endsWith('scale/weights') ? 0.2 : 0.1;
      const center = name.endsWith('scale/weights') ? 1 : 0;
      return [name, { shape, data: hashedUniform(size, crc32(name), center, spread) }];
    }),
  );
}

describe('dlibResNet', () => {
  it("gives PyTorch's embeddings", async () => {
    const graph = new Graph();
    const images = graph.input('images', 'float32', [golden.embedding.length, 3, 150, 150]);
    const embedding = dlibResNet(images, randomWeights());
    await using session = await Session.create(serialize(graph, { outputs: { embedding } }), { device: 'cpu' });
    const pictures = hashedUniform(images.size, crc32('images'), 0, 1);
    const outputs = await session.run({ images: float32(pictures, images.shape) });
    const got = float32Data(outputs.embedding);
    const expected = golden.embedding.flat();
    const largest = Math.max(...expected.map(Math.abs));
    // Values up to 7; float32 through 29 convolutions, here with the factors multiplied into the kernels, leaves a few 1e-6 of them.
    expect(Math.max(...expected.map((value, i) => Math.abs(value - got[i])))).toBeLessThan(2e-5 * largest);
  });

  it('refuses weights of another network by name and shape', () => {
    const images = new Graph().input('images', 'float32', [1, 3, 150, 150]);
    const weights = randomWeights();
    weights.set('fc', { shape: [256, 64], data: new Float32Array(256 * 64) });
    expect(() => dlibResNet(images, weights)).toThrow(/fc \[256, 64\][^]*fc \[256, 128\]/);
    weights.delete('conv64_1/conv2/scale/biases');
    expect(() => dlibResNet(images, weights)).toThrow(/nothing called conv64_1\/conv2\/scale\/biases/);
  });
});
