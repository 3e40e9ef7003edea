// A model read, changed as training changes it, and written back: its file computes what the training graph does.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toFloat16 } from '../../common/float16.js';
import { parseModel, readMetadataProps } from '../../graph/onnx/index.js';
import { Graph, serialize } from '../../graph/index.js';
import { float32, float32Data, Session } from '../../runtime/index.js';
import { hashedUniform } from '../../testing/hashed.js';
import { encodeModel, testModel } from '../../testing/onnx-model.js';
import { InferenceBuilder, TrainingBuilder } from '../parameters.js';
import { onnxNetwork } from './read.js';
import { withParameters } from './write.js';

const filler = (count: number, seed: number): Float32Array => hashedUniform(count, seed, 0, 1);

const bytes = encodeModel(
  testModel({
    opset: 13,
    images: ['batch', 3, 4, 4],
    nodes: [
      { op: 'Conv', inputs: ['images', 'w', 'b'], outputs: ['c'] },
      { op: 'PRelu', inputs: ['c', 'slope'], outputs: ['r'] },
      { op: 'GlobalAveragePool', inputs: ['r'], outputs: ['p'] },
      { op: 'Flatten', inputs: ['p'], outputs: ['embedding'] },
    ],
    initializers: {
      w: { shape: [5, 3, 2, 2], data: filler(60, 1) },
      b: { shape: [5], data: filler(5, 2) },
      slope: { shape: [5, 1, 1], data: filler(5, 3) },
    },
    outputs: ['embedding'],
  }),
);

/** Values of all parameters, a step away from the model's. */
function moved(source: Uint8Array): Map<string, Float32Array> {
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  onnxNetwork(net, graph.input('images', 'float32', [1, 3, ...sizeOf(source)]), parseModel(source, 'it'));
  return new Map(
    net.specs.map(({ name, filler: start }, i) => {
      const data = start.type === 'stored' ? start.data : new Float32Array();
      return [name, data.map((value, j) => value * (1 + 0.1 * Math.sin(i + j)))];
    }),
  );
}

const sizeOf = (source: Uint8Array): number[] =>
  parseModel(source, 'it')
    .graph.input[0].type!.tensorType!.shape!.dim.slice(2)
    .map(({ dimValue }) => Number(dimValue));

async function embedBoth(source: Uint8Array): Promise<{ readonly graph: Float32Array; readonly file: Float32Array }> {
  const values = moved(source);
  const [h, w] = sizeOf(source);
  const images = float32(filler(3 * h * w, 9), [1, 3, h, w]);
  const graph = new Graph();
  const input = graph.input('images', 'float32', [1, 3, h, w]);
  const embedding = onnxNetwork(new InferenceBuilder(graph, values), input, parseModel(source, 'it'));
  await using trained = await Session.create(serialize(graph, { outputs: { embedding } }), { threads: 1 });
  const written = withParameters(parseModel(source, 'it'), values);
  await using deployed = await Session.create(written, { threads: 1 });
  const [file] = Object.values(await deployed.run({ [deployed.inputNames[0]]: images }));
  return { graph: float32Data((await trained.run({ images })).embedding), file: float32Data(file) };
}

const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(
    a.reduce((total, value, i) => total + (value - b[i]) ** 2, 0) / b.reduce((total, value) => total + value ** 2, 0),
  );

describe('withParameters', () => {
  it('gives a file that computes what the training graph does', async () => {
    const { graph, file } = await embedBoth(bytes);
    expect(distance(graph, file)).toBeLessThan(1e-6);
  });

  it('changes nothing else', () => {
    const model = parseModel(bytes, 'it');
    const same = new Map(
      model.graph.initializer.map(({ name, rawData }) => [name, new Float32Array(rawData.slice().buffer)]),
    );
    expect(Buffer.compare(withParameters(model, same), bytes)).toBe(0);
    expect(readMetadataProps(withParameters(model, same), 'it').size).toBe(0);
  });

  it('keeps float16 as it is', () => {
    const model = parseModel(bytes, 'it');
    const [w] = model.graph.initializer;
    w.dataType = 10;
    w.rawData = new Uint8Array(Uint16Array.from(filler(60, 1), toFloat16).buffer);
    const [written] = parseModel(withParameters(model, new Map([['w', new Float32Array(60).fill(0.1)]])), 'it').graph
      .initializer;
    expect(new Uint16Array(written.rawData.slice().buffer)).toEqual(new Uint16Array(60).fill(toFloat16(0.1)));
  });

  it('refuses parameters of another model', () => {
    const model = parseModel(bytes, 'it');
    expect(() => withParameters(model, new Map([['fc5.weight', new Float32Array(3)]]))).toThrow(
      /a parameter "fc5.weight"/,
    );
    expect(() => withParameters(model, new Map([['w', new Float32Array(3)]]))).toThrow(/3 numbers for .*\n.*60/);
  });
});

const shared = fileURLToPath(new URL('../../../../shared/models/mobilefacenet/MobileFaceNet.onnx', import.meta.url));

describe.skipIf(!existsSync(shared))('a published model (skipped where ../shared is absent)', () => {
  it('keeps its embeddings through the reader: cosine above 0.999999', async () => {
    const source = new Uint8Array(readFileSync(shared));
    const { graph, file } = await embedBoth(source);
    expect(distance(graph, file)).toBeLessThan(1e-5);
  });
});
