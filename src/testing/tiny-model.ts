// A model small enough to compute by hand: an embedding of two weighted sums over a 3 × 2 picture.
import type { Picture } from '../images/source.js';
import { Graph, flatten, matmul, serialize } from '../graph/index.js';
import type { InputSpec } from '../images/input.js';
import { type ModelMetadata, encodeMetadata } from '../models/metadata.js';

export const tinyInput: InputSpec = {
  width: 3,
  height: 2,
  channelOrder: 'BGR',
  mean: [10, 20, 30],
  scale: [2, 4, 8],
  alignment: { template: 'test', solver: 'umeyama', version: 7 },
};

/** The parameter `fc5.weight`, [18, 2]. */
export const tinyWeights = Float32Array.from({ length: 36 }, (_, index) => Math.sin(index));

/** The bytes of the model; with a fixed `batch` or an open one, with or without metadata. */
export function tinyModel(options: { batch?: number; metadata?: ModelMetadata } = {}): Uint8Array {
  const { batch, metadata } = options;
  const graph = new Graph();
  const images = graph.input('images', 'float32', [batch ?? 1, 3, tinyInput.height, tinyInput.width]);
  const embedding = matmul(flatten(images), graph.constant(tinyWeights, [18, 2], { name: 'fc5.weight' }));
  return serialize(graph, {
    outputs: { embedding },
    metadata: metadata === undefined ? {} : encodeMetadata(metadata),
    ...(batch === undefined ? { dynamicAxes: { images: { 0: 'batch' }, embedding: { 0: 'batch' } } } : {}),
  });
}

/** The model's embedding of a picture, from the definition of its input. */
export function tinyEmbedding({ data, width, height }: Picture, { mirrored }: { mirrored: boolean }): number[] {
  const sums = [0, 0];
  let position = 0;
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, position++) {
        const column = mirrored ? width - 1 - x : x;
        const pixel = data[(y * width + column) * 3 + (2 - channel)]!;
        const value = (pixel - tinyInput.mean[channel]!) / tinyInput.scale[channel]!;
        for (const k of [0, 1]) sums[k]! += value * tinyWeights[position * 2 + k]!;
      }
    }
  }
  return sums;
}
