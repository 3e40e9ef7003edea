// The ONNX model as others see it: names, types, metadata, dynamic sizes, and onnx.checker's opinion.
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { float32, float32Data, int64, Session } from '../../runtime/index.js';
import { expectValidOnnx } from '../../testing/op-suite.js';
import { pythonHas } from '../../testing/python.js';
import {
  add,
  averagePool2d,
  batchNormTraining,
  cast,
  clip,
  conv2d,
  equal,
  exp,
  flatten,
  Graph,
  gradients,
  logSoftmax,
  matmul,
  maxPool2d,
  mean,
  neg,
  opset,
  pickLabel,
  prelu,
  producerName,
  relu,
  replaceLabel,
  scale,
  serialize,
  type SerializeOptions,
  sub,
  sum,
} from '../index.js';
import { type ModelProto, ModelProtoSchema } from './onnx_pb.js';

function parsed(graph: Graph, options: SerializeOptions): ModelProto {
  return fromBinary(ModelProtoSchema, serialize(graph, options));
}

describe('a model', () => {
  it('has the names, types and shapes of the graph, and says who made it', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    graph.input('unused', 'float32', [9]);
    const labels = graph.input('labels', 'int64', [2]);
    const model = parsed(graph, { outputs: { picked: pickLabel(x, labels) }, metadata: { size: '112x96' } });
    expect(model.graph!.input.map(({ name }) => name)).toEqual(['x', 'labels']);
    expect(model.graph!.output.map(({ name }) => name)).toEqual(['picked']);
    expect(model.opsetImport).toMatchObject([{ domain: '', version: BigInt(opset) }]);
    expect(model).toMatchObject({ producerName, metadataProps: [{ key: 'size', value: '112x96' }] });
    expect(model.graph!.input[0].type!.tensorType!.shape!.dim.map(({ dimValue }) => dimValue)).toEqual([2n, 3n]);
  });

  it('can have a size that varies at run time', async () => {
    const graph = new Graph();
    const images = graph.input('images', 'float32', [1, 3, 5, 4]);
    const w = graph.constant(new Float32Array(2 * 3 * 9).fill(0.1), [2, 3, 3, 3], { name: 'conv.weight' });
    const fc = graph.constant(new Float32Array(4 * 40).fill(0.1), [4, 40], { name: 'fc.weight' });
    const y = matmul(flatten(relu(conv2d(images, w, { padding: 1 }))), fc, { transposeB: true });
    const batch = { 0: 'batch' };
    const bytes = serialize(graph, { outputs: { y }, dynamicAxes: { images: batch, y: batch } });
    const model = fromBinary(ModelProtoSchema, bytes);
    expect(model.graph!.initializer.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['conv.weight', 'fc.weight']),
    );
    await using session = await Session.create(bytes, { threads: 1 });
    const one = await session.run({ images: float32(new Float32Array(60).fill(1), [1, 3, 5, 4]) });
    const three = await session.run({ images: float32(new Float32Array(180).fill(1), [3, 3, 5, 4]) });
    expect(three.y.dims).toEqual([3, 4]);
    expect(float32Data(three.y).slice(8)).toEqual(float32Data(one.y));
    if (pythonHas('onnx')) expectValidOnnx(bytes);
  });

  it('needs an output', () => {
    expect(() => serialize(new Graph(), { outputs: {} })).toThrow(/needs at least one output/);
  });

  it('refuses an output with the name of an input', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1]);
    expect(() => serialize(graph, { outputs: { x: exp(x) } })).toThrow(
      /an input and another output "x".*\n.*another name/,
    );
  });

  it('keeps every name apart: outputs, inputs and stored weights named like inner values', async () => {
    const graph = new Graph();
    const x = graph.input('add_1', 'float32', [1]);
    const weight = graph.constant(Float32Array.of(10), [1], { name: 'Mul__0' });
    const y = exp(sub(add(x, weight), scale(x, 2)));
    await using session = await Session.create(serialize(graph, { outputs: { sub_3: y, ints__0: sum(y) } }));
    const results = await session.run({ add_1: float32(Float32Array.of(9), [1]) });
    expect(float32Data(results.sub_3)[0]).toBeCloseTo(Math.E, 5);
    expect(float32Data(results.ints__0)[0]).toBeCloseTo(Math.E, 5);
  });
});

describe('an output', () => {
  it('may be an input, a constant, or one value under two names', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const weight = graph.constant(Float32Array.of(5, 6), [2], { name: 'weight' });
    const y = add(x, weight);
    const bytes = serialize(graph, { outputs: { copy: x, stored: weight, y, again: y } });
    await using session = await Session.create(bytes, { threads: 1 });
    const results = await session.run({ x: float32(Float32Array.of(1, 2), [2]) });
    expect(session.outputNames).toEqual(['copy', 'stored', 'y', 'again']);
    expect(Array.from(float32Data(results.copy))).toEqual([1, 2]);
    expect(Array.from(float32Data(results.stored))).toEqual([5, 6]);
    expect(Array.from(float32Data(results.y))).toEqual([6, 8]);
    expect(Array.from(float32Data(results.again))).toEqual([6, 8]);
    if (pythonHas('onnx')) expectValidOnnx(bytes);
  });
});

const checked = pythonHas('onnx');
describe.skipIf(!checked)(`onnx.checker with full_check${checked ? '' : ' (skipped: no python3-onnx)'}`, () => {
  it('accepts a training step of a network of many ops, forward and backward', () => {
    const graph = new Graph();
    const images = graph.input('images', 'float32', [2, 3, 12, 10]);
    const labels = graph.input('labels', 'int64', [2]);
    const parameter = (name: string, shape: readonly number[]) => graph.input(name, 'float32', shape);
    const parameters = {
      w1: parameter('w1', [4, 3, 3, 3]),
      b1: parameter('b1', [4]),
      slope: parameter('slope', [4]),
      depthwise: parameter('depthwise', [4, 1, 3, 3]),
      gamma: parameter('gamma', [4]),
      beta: parameter('beta', [4]),
      fc: parameter('fc', [5, 4 * 3 * 2]),
    };
    const { w1, b1, slope, depthwise, gamma, beta, fc } = parameters;
    let x = prelu(conv2d(images, w1, { stride: 2, padding: 1, bias: b1 }), slope);
    x = batchNormTraining(conv2d(x, depthwise, { padding: 1, groups: 4 }), { gamma, beta }).y;
    x = add(maxPool2d(x, { kernel: 2, stride: 2 }), averagePool2d(x, { kernel: 2, stride: 2 }));
    const logits = matmul(flatten(x), fc, { transposeB: true });
    const margin = replaceLabel(logits, labels, clip(pickLabel(logits, labels), -1, 1));
    const loss = neg(mean(pickLabel(logSoftmax(margin), labels)));
    const grads = gradients(loss, Object.values(parameters));
    const half = cast(cast(logits, 'float16'), 'float32');
    const same = equal(labels, graph.indices([1, 2]));
    expectValidOnnx(
      serialize(graph, {
        outputs: { loss, half, same, ...Object.fromEntries(grads.map((g, i) => [`g${i}`, g])) },
        dynamicAxes: {},
      }),
    );
  });

  it('rejects a broken one: the check can fail', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const bytes = serialize(graph, { outputs: { y: exp(x) } });
    const text = Buffer.from(bytes).toString('latin1').replaceAll('Exp', 'Exq');
    expect(() => expectValidOnnx(Buffer.from(text, 'latin1'))).toThrow(/Exq/);
  });
});

it('takes labels as int64 tensors', async () => {
  const graph = new Graph();
  const labels = graph.input('labels', 'int64', [2]);
  await using session = await Session.create(
    serialize(graph, { outputs: { y: equal(labels, graph.indices([3, 4])) } }),
  );
  const { y } = await session.run({ labels: int64([3, 5]) });
  expect(Array.from(float32Data(y))).toEqual([1, 0]);
});
