// The network prepared for many pictures gives the embeddings of the file's own graph, and only of a file that holds what it says.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import type { Picture } from '../images/source.js';
import { Graph, scale, serialize } from '../graph/index.js';
import { embeddingNetwork, type EmbeddingNetwork, InferenceBuilder, initialize, TrainingBuilder } from '../nn/index.js';
import { exportModel } from './export.js';
import { publishedInput } from '../images/input.js';
import { encodeMetadata } from './metadata.js';
import { openModel } from './model.js';
import { writeModel } from './model-file.js';

const input = { ...publishedInput, width: 24, height: 28 };
/** Stages on both sides of the limit at which convolutions change their form. */
const network = {
  type: 'sfnet',
  depth: 10,
  widths: [16, 32, 144, 48],
  embeddingSize: 24,
  inputPooling: 1,
  slopeDecay: 1,
  fillerGain: 1,
  batchNorm: false,
  statisticsMomentum: 0.1,
  squeeze: null,
  dropout: 0,
} satisfies EmbeddingNetwork;
const recipeOf = (told: EmbeddingNetwork): string => JSON.stringify({ network: told });

/** The bytes of a model of `held`, its embeddings times a factor, that says its recipe is `recipe`. */
function fileOf(held: EmbeddingNetwork, recipe: string, factor = 1): Uint8Array {
  const declared = new TrainingBuilder(new Graph());
  const shape = [1, 3, input.height, input.width];
  embeddingNetwork(declared, declared.graph.input('images', 'float32', shape), held);
  const net = new InferenceBuilder(new Graph(), initialize(declared.specs, new Random(1)));
  const plain = embeddingNetwork(net, net.graph.input('images', 'float32', shape), held);
  const embedding = factor === 1 ? plain : scale(plain, factor);
  const { embeddingSize } = held;
  return serialize(net.graph, {
    outputs: { embedding },
    metadata: encodeMetadata({ input, embeddingSize, recipe }),
    dynamicAxes: { images: { 0: 'batch' }, embedding: { 0: 'batch' } },
  });
}

const random = new Random(2);
/** More than it takes to prepare the network, and a last batch that is neither full nor small. */
const pictures = Array.from({ length: 32 * 10 + 20 }, (): Picture => {
  const data = Uint8Array.from({ length: input.width * input.height * 3 }, () => random.integer(256));
  return { width: input.width, height: input.height, data };
});

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-prepared-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** The embeddings of all pictures, and how many rows differ at all from those of the file's own graph in batches of 8. */
async function embedBothWays(name: string, bytes: Uint8Array) {
  const path = join(scratch, name);
  await writeModel(path, bytes);
  await using many = await openModel(path, { threads: 1 });
  // Batches of 8 are never worth it.
  await using few = await openModel(path, { threads: 1 });
  const [got, expected] = [await many.embed(pictures), await few.embed(pictures, { batchSize: 8 })];
  expect(got).toHaveLength(expected.length);
  const size = many.embeddingSize;
  const distances = pictures.map((_, row) => {
    let [difference, length] = [0, 0];
    for (let i = row * size; i < (row + 1) * size; i++) {
      difference += (got[i]! - expected[i]!) ** 2;
      length += expected[i]! ** 2;
    }
    return Math.sqrt(difference / length);
  });
  return { distances, changed: distances.filter((distance) => distance > 0).length };
}

describe('many pictures', () => {
  it.each([
    ['plain', network, 'otherwise'],
    ['pooled input', { ...network, inputPooling: 2 }, 'otherwise'],
    ['batch normalisation, squeeze and excitation', { ...network, batchNorm: true, squeeze: 4 }, 'otherwise'],
    // Beside depthwise convolutions both forms are the standard one.
    ['depthwise', { type: 'mobilefacenet', embeddingSize: 24, statisticsMomentum: 0.1 }, 'alike'],
  ] as [string, EmbeddingNetwork, 'otherwise' | 'alike'][])(
    'get the embeddings of the stored graph within 1e-5 of their length: %s',
    async (name, held, rounds) => {
      const { distances, changed } = await embedBothWays(`${name}.onnx`, fileOf(held, recipeOf(held)));
      for (const distance of distances) expect(distance).toBeLessThan(1e-5);
      // The prepared form rounds otherwise: were no row different, it would not have run. The last 84 pictures are surely its own.
      if (rounds === 'otherwise') expect(changed).toBeGreaterThan(40);
    },
  );

  it('get them from the stored graph where the recipe does not fit it', async () => {
    const files: readonly (readonly [string, Uint8Array])[] = [
      ['no recipe of ours', fileOf(network, '{"name":"test"}')],
      ['not JSON', fileOf(network, 'test')],
      ['other parameters', fileOf(network, recipeOf({ ...network, widths: [16, 32, 144, 64] }))],
      ['same parameters, other graph', fileOf(network, recipeOf(network), 0.5)],
    ];
    for (const [name, bytes] of files) {
      const { distances } = await embedBothWays(`${name}.onnx`, bytes);
      for (const distance of distances) expect(distance, name).toBeLessThan(1e-6);
    }
  });

  it('get them from the stored graph where that has half the precision', async () => {
    const half = exportModel(fileOf(network, recipeOf(network)), 'float16', 'x');
    const { distances } = await embedBothWays('half.onnx', half);
    for (const distance of distances) expect(distance).toBeLessThan(1e-6);
  });
});
