// Models that are broken or mean harm: a clear error, in bounded time and memory, and never anything else.
import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SphereFaceError } from '../../common/errors.js';
import { ModelProtoSchema } from '../../graph/onnx/onnx_pb.js';
import { Graph } from '../../graph/index.js';
import { int64s, testModel, type TestModel, type TestTensor } from '../../testing/onnx-model.js';
import { TrainingBuilder } from '../parameters.js';
import type { ParsedModel } from '../../graph/onnx/index.js';
import { onnxNetwork } from './read.js';

function read(model: ParsedModel): void {
  const graph = new Graph();
  onnxNetwork(new TrainingBuilder(graph), graph.input('images', 'float32', [2, 3, 8, 8]), model);
}

const weights = (...shape: number[]): TestTensor => ({
  shape,
  data: new Float32Array(shape.reduce((product, dim) => product * dim, 1)),
});

const plain: TestModel = {
  opset: 13,
  images: ['n', 3, 8, 8],
  nodes: [{ op: 'Conv', inputs: ['images', 'w'], outputs: ['y'] }],
  initializers: { w: weights(4, 3, 1, 1) },
  outputs: ['y'],
};

function withNodes(nodes: TestModel['nodes'], initializers: TestModel['initializers'] = {}): ParsedModel {
  const all = { ...plain.initializers, ...initializers };
  return testModel({ ...plain, nodes: [...plain.nodes, ...nodes], initializers: all, outputs: ['z'] }) as ParsedModel;
}

const messageOf = (model: ParsedModel): string => {
  try {
    read(model);
  } catch (error) {
    if (error instanceof SphereFaceError) return error.message;
    throw error;
  }
  return '';
};

describe('a model that cannot be read', () => {
  it('names all operators that are missing at once', () => {
    const message = messageOf(
      withNodes([
        { op: 'Attention', inputs: ['y'], outputs: ['a'], domain: 'com.microsoft' },
        { op: 'NonZero', inputs: ['a'], outputs: ['b'] },
        { op: 'STFT', inputs: ['b'], outputs: ['z'] },
      ]),
    );
    expect(message).toContain('NonZero, STFT, com.microsoft.Attention');
  });

  it('with a cycle is refused', () => {
    const message = messageOf(
      withNodes([
        { op: 'Add', inputs: ['y', 'c'], outputs: ['b'] },
        { op: 'Relu', inputs: ['b'], outputs: ['c'] },
        { op: 'Relu', inputs: ['c'], outputs: ['z'] },
      ]),
    );
    expect(message).toContain('reads "c", which nothing before it makes');
  });

  it.each([
    ['a kernel of other channels', { op: 'Conv', inputs: ['y', 'w'], outputs: ['z'] }, {}],
    ['negative sizes', { op: 'Reshape', inputs: ['y', 's'], outputs: ['z'] }, { s: int64s(-5, -1) }],
    ['a huge shape', { op: 'Expand', inputs: ['y', 's'], outputs: ['z'] }, { s: int64s(2 ** 40, 1, 1, 1, 1) }],
    ['a huge tile', { op: 'Tile', inputs: ['y', 's'], outputs: ['z'] }, { s: int64s(1, 1, 2 ** 40, 1) }],
    ['a huge padding', { op: 'Pad', inputs: ['y', 's'], outputs: ['z'] }, { s: int64s(0, 0, 0, 2 ** 40, 0, 0, 0, 0) }],
    [
      'a transposition of other axes',
      { op: 'Transpose', inputs: ['y'], outputs: ['z'], attributes: { perm: [0, 1] } },
      {},
    ],
    ['an axis that is not there', { op: 'Concat', inputs: ['y', 'y'], outputs: ['z'], attributes: { axis: 9 } }, {}],
    ['a window of no size', { op: 'MaxPool', inputs: ['y'], outputs: ['z'], attributes: { kernel_shape: [0, 0] } }, {}],
    [
      'a stride of zero',
      { op: 'Conv', inputs: ['y', 'v'], outputs: ['z'], attributes: { strides: [0, 0] } },
      { v: weights(4, 4, 1, 1) },
    ],
    [
      'no groups',
      { op: 'Conv', inputs: ['y', 'v'], outputs: ['z'], attributes: { group: 0 } },
      { v: weights(4, 4, 1, 1) },
    ],
    ['a shape that depends on the picture', { op: 'Reshape', inputs: ['y', 'y'], outputs: ['z'] }, {}],
  ] as const)('with %s is refused by the name of its node', (_, node, initializers) => {
    expect(messageOf(withNodes([node], initializers))).toContain(
      `The ${node.op} node "node1" of the model cannot be trained`,
    );
  });

  it('with weights in another file is refused', () => {
    const model = withNodes([{ op: 'Relu', inputs: ['y'], outputs: ['z'] }]);
    model.graph.initializer[0].dataLocation = 1;
    expect(messageOf(model)).toContain('a reference to another file');
  });

  it('with less data than its shape says is refused', () => {
    const model = withNodes([{ op: 'Relu', inputs: ['y'], outputs: ['z'] }]);
    model.graph.initializer[0].dims = [BigInt(2 ** 40), 3n, 1n, 1n];
    expect(messageOf(model)).toContain('elements for [1099511627776, 3, 1, 1]');
  });
});

/** Mutated models: a few in every run, as many as one likes by `SPHEREFACE_FUZZ=10000`. */
const mutations = Number(process.env.SPHEREFACE_FUZZ ?? 300);

describe.each(['mobilenet_v3_small', 'vit_tiny'])('%s with bytes changed', (name) => {
  const whole = readFileSync(new URL(`./golden/${name}.onnx`, import.meta.url));

  it('is read or refused, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(whole.length),
        (changes, cut) => {
          const bytes = Uint8Array.from(cut % 7 === 0 ? whole.subarray(0, cut) : whole);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          let model: ParsedModel;
          try {
            model = fromBinary(ModelProtoSchema, bytes) as ParsedModel;
          } catch {
            return; // No protobuf: what reads the file says so.
          }
          if (model.graph === undefined) return;
          for (const tensor of model.graph.initializer) fillUp(tensor);
          messageOf(model);
        },
      ),
      { numRuns: Math.ceil(mutations / 2) },
    );
  });
});

/** Gives the stored tensors, whose data the golden models leave out, zeros: as long as their shape is of a plausible size. */
function fillUp(tensor: ParsedModel['graph']['initializer'][number]): void {
  const count = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
  if (tensor.rawData.length === 0 && count >= 0 && count < 2 ** 22) tensor.rawData = new Uint8Array(count * 4);
}
