// Networks of torchvision and timm, read from ONNX and differentiated here, against PyTorch's embeddings, gradients and statistics.
// tools/onnx_networks_golden.py made the files; weights and images come from a hash, so that none is stored.
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ModelProtoSchema } from '../../graph/onnx/onnx_pb.js';
import { Graph, gradients, mul, serialize, sum } from '../../graph/index.js';
import { float32, float32Data, Session, type Tensor } from '../../runtime/index.js';
import { hashedUniform } from '../../testing/hashed.js';
import { isTrained, TrainingBuilder } from '../parameters.js';
import type { ParsedModel } from '../../graph/onnx/index.js';
import { onnxNetwork } from './read.js';

interface Result {
  readonly embedding: readonly number[];
  readonly gradients: Readonly<Record<string, { readonly norm: number; readonly first: readonly number[] }>>;
  readonly statistics?: Readonly<Record<string, readonly number[]>>;
}

interface Golden {
  readonly size: number;
  readonly batch: number;
  /** Center and spread of each parameter's hashed values. */
  readonly parameters: Readonly<Record<string, readonly [number, number]>>;
  readonly evaluation: Result;
  readonly training?: Result;
}

const folder = new URL('./golden/', import.meta.url);
const uniform = (name: string, count: number, center = 0, spread = 1): Float32Array =>
  hashedUniform(count, crc32(name), center, spread);

function load(name: string): { readonly golden: Golden; readonly model: ParsedModel } {
  const golden = JSON.parse(readFileSync(new URL(`${name}.golden.json`, folder), 'utf8')) as Golden;
  const model = fromBinary(ModelProtoSchema, readFileSync(new URL(`${name}.onnx`, folder))) as ParsedModel;
  for (const tensor of model.graph.initializer) {
    const made = golden.parameters[tensor.name];
    if (made === undefined) continue;
    const count = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
    tensor.rawData = new Uint8Array(uniform(tensor.name, count, ...made).buffer);
  }
  return { golden, model };
}

/** Both sides compute in float32; through some dozen layers with gains around one they stay within a few 1e-5 of each other. */
const tolerance = 2e-4;

async function compare(name: string, mode: 'evaluation' | 'training'): Promise<void> {
  const { golden, model } = load(name);
  const expected = golden[mode]!;
  const { batch, size } = golden;
  const graph = new Graph();
  const images = graph.input('images', 'float32', [batch, 3, size, size]);
  const net = new TrainingBuilder(graph);
  const embedding = onnxNetwork(net, images, model, { batchNorm: mode === 'training' ? 'update' : 'frozen' });
  const weights = graph.constant(uniform('weights', embedding.size), embedding.shape);
  const trained = net.specs.filter(isTrained);
  const grads = gradients(
    sum(mul(embedding, weights)),
    trained.map((spec) => net.values.get(spec.name)!),
  );
  const outputs = {
    embedding,
    ...Object.fromEntries(trained.map((spec, i) => [`gradient:${spec.name}`, grads[i]])),
    ...Object.fromEntries([...net.statistics].map(([parameter, value]) => [`moved:${parameter}`, value])),
  };
  await using session = await Session.create(serialize(graph, { outputs, target: { device: 'cpu' } }));
  const feeds: Record<string, Tensor> = { images: float32(uniform('images', images.size), images.shape) };
  for (const { name: parameter, shape, filler } of net.specs) {
    if (session.inputNames.includes(parameter) && filler.type === 'stored')
      feeds[parameter] = float32(filler.data, shape);
  }
  const results = await session.run(feeds);

  const scale = Math.max(...expected.embedding.map(Math.abs));
  float32Data(results.embedding).forEach((value, i) => {
    expect(Math.abs(value - expected.embedding[i]), `embedding ${i}`).toBeLessThan(tolerance * scale);
  });
  // Every trained parameter of PyTorch's is one of ours.
  expect(trained.map((spec) => spec.name).sort()).toEqual(Object.keys(expected.gradients).sort());
  // What batch normalisation takes off again has a gradient of zero but for rounding: compared against the largest.
  const rounding = 1e-5 * Math.max(...Object.values(expected.gradients).map(({ norm }) => norm));
  for (const [parameter, { norm, first }] of Object.entries(expected.gradients)) {
    const gradient = float32Data(results[`gradient:${parameter}`]);
    const length = Math.sqrt(gradient.reduce((total, value) => total + value * value, 0));
    expect(Math.abs(length - norm), `gradient of ${parameter}: norm`).toBeLessThan(tolerance * norm + rounding);
    first.forEach((value, i) => {
      expect(Math.abs(gradient[i] - value), `gradient of ${parameter} [${i}]`).toBeLessThan(
        tolerance * norm + rounding,
      );
    });
  }
  for (const [parameter, first] of Object.entries(expected.statistics ?? {})) {
    const moved = float32Data(results[`moved:${parameter}`]);
    first.forEach((value, i) => {
      expect(Math.abs(moved[i] - value), `${parameter} [${i}]`).toBeLessThan(tolerance * (1 + Math.abs(value)));
    });
  }
}

describe.each(['resnet18', 'mobilenet_v3_small', 'convnext_atto', 'vit_tiny'])('%s', (name) => {
  it('gives the embeddings and gradients of PyTorch', () => compare(name, 'evaluation'));
});

describe.each(['resnet18', 'mobilenet_v3_small'])('%s with batch normalisation that learns', (name) => {
  it('gives the embeddings, gradients and statistics of PyTorch', () => compare(name, 'training'));
});
