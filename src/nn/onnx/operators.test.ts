// Every operator that is read: forward equal to ONNX Runtime on the original model, gradients to central differences of it.
import { describe, expect, it } from 'vitest';
import { Graph, gradients, mul, serialize, sum, type Target, type Value } from '../../graph/index.js';
import { type Device, float32, float32Data, Session, type Tensor } from '../../runtime/index.js';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';
import { hashedUniform } from '../../testing/hashed.js';
import {
  encodeModel,
  hashedTensor,
  int64s,
  type TestAttribute,
  testModel,
  type TestNode,
  type TestTensor,
} from '../../testing/onnx-model.js';
import { dropoutFactors } from '../dropout.js';
import { isTrained, type NetworkBuilder, TrainingBuilder } from '../parameters.js';
import { operators } from './operators/index.js';
import type { ParsedModel } from '../../graph/onnx/index.js';
import { onnxNetwork } from './read.js';

/** One application of an operator to learned features `x`. */
interface OperatorCase {
  readonly op: string;
  /** Shape of x; [2, 6, 4, 4] where none is given. */
  readonly shape?: readonly number[];
  readonly opset?: number;
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  /** Further inputs: stored data, `null` for one that is absent, or `x` itself. */
  readonly inputs?: readonly (TestTensor | null | 'x')[];
  /** Number of outputs; all are joined. */
  readonly outputs?: number;
  /** x is drawn from here; around zero where none is given. */
  readonly range?: readonly [number, number];
}

let seed = 10;
const floats = (shape: readonly number[], center = 0, spread = 1): TestTensor =>
  hashedTensor(shape, seed++, center, spread);
const scalar = (value: number): TestTensor => ({ shape: [], data: Float32Array.of(value) });
const vector = (...values: number[]): TestTensor => ({ shape: [values.length], data: Float32Array.from(values) });

const channels = 6;
const positive = [0.3, 2] as const;
const batchNorm = [floats([channels], 1, 0.3), floats([channels]), floats([channels]), floats([channels], 1, 0.5)];

const cases: readonly OperatorCase[] = [
  { op: 'Conv', inputs: [floats([4, 6, 3, 3]), floats([4])], attributes: { pads: [1, 1, 1, 1] } },
  { op: 'Conv', inputs: [floats([6, 1, 3, 3])], attributes: { group: 6, strides: [2, 2], auto_pad: 'SAME_UPPER' } },
  { op: 'Conv', inputs: [floats([4, 3, 2, 2])], attributes: { group: 2, dilations: [2, 1], pads: [1, 0, 2, 1] } },
  { op: 'Conv', inputs: [floats([4, 6, 2, 2])], attributes: { auto_pad: 'SAME_LOWER' } },
  { op: 'Conv', inputs: [floats([4, 6, 3, 2])], attributes: { auto_pad: 'VALID' } },
  {
    op: 'ConvTranspose',
    inputs: [floats([6, 2, 3, 3]), floats([4])],
    attributes: { group: 2, strides: [2, 2], output_padding: [1, 0] },
  },
  { op: 'ConvTranspose', inputs: [floats([6, 3, 3, 3])], attributes: { pads: [1, 0, 0, 1], dilations: [1, 2] } },
  { op: 'BatchNormalization', inputs: batchNorm, attributes: { epsilon: { float: 0.01 } } },
  { op: 'BatchNormalization', shape: [4, 6], inputs: batchNorm },
  { op: 'LayerNormalization', opset: 17, shape: [2, 3, 8], inputs: [floats([8], 1, 0.3), floats([8])] },
  { op: 'LayerNormalization', opset: 17, shape: [2, 3, 8], inputs: [floats([3, 8], 1, 0.3)], attributes: { axis: 1 } },
  { op: 'InstanceNormalization', inputs: [floats([6], 1, 0.3), floats([6])] },
  { op: 'GroupNormalization', opset: 21, inputs: [floats([6], 1, 0.3), floats([6])], attributes: { num_groups: 3 } },
  { op: 'LpNormalization', shape: [3, 5] },
  { op: 'LpNormalization', shape: [3, 5], attributes: { p: 1, axis: 0 } },
  { op: 'PRelu', inputs: [floats([6, 1, 1])] },
  { op: 'PRelu', inputs: [floats([1])] },
  { op: 'PRelu', inputs: [floats([6, 4, 4])] },
  { op: 'PRelu', shape: [3, 5], inputs: [floats([5])] },
  { op: 'Relu' },
  { op: 'LeakyRelu', attributes: { alpha: { float: 0.2 } } },
  { op: 'Elu', attributes: { alpha: { float: 0.7 } } },
  { op: 'Clip', opset: 7, attributes: { min: { float: -0.5 }, max: { float: 0.6 } } },
  { op: 'Clip', opset: 13, inputs: [scalar(0), scalar(0.7)] },
  { op: 'Clip', opset: 13, inputs: [null, scalar(0.7)] },
  { op: 'Sigmoid' },
  { op: 'HardSigmoid', attributes: { alpha: { float: 0.3 } } },
  { op: 'HardSwish', opset: 14 },
  { op: 'Swish', opset: 24 },
  { op: 'Mish', opset: 18 },
  { op: 'Softplus' },
  { op: 'Softsign' },
  { op: 'Tanh' },
  { op: 'Erf' },
  { op: 'Gelu', opset: 20 },
  { op: 'Gelu', opset: 20, attributes: { approximate: 'tanh' } },
  { op: 'Softmax', shape: [3, 5] },
  { op: 'Softmax', attributes: { axis: 1 } },
  { op: 'Softmax', opset: 11, attributes: { axis: 1 } },
  { op: 'LogSoftmax', shape: [3, 5] },
  { op: 'Add', inputs: [floats([6, 1, 1])] },
  { op: 'Sub', inputs: [floats([4])] },
  { op: 'Mul', inputs: [floats([1, 6, 1, 1])] },
  { op: 'Mul', inputs: ['x'] },
  // Single numbers with an axis are parameters; those without are constants of an activation function.
  { op: 'Mul', inputs: [vector(0.7)] },
  { op: 'Mul', inputs: [scalar(0.5)] },
  { op: 'Add', inputs: [vector(0.3)] },
  { op: 'Add', inputs: [vector(1e-5)] },
  { op: 'Div', inputs: [floats([6, 1, 1], 2, 0.5)] },
  { op: 'Pow', range: positive, inputs: [scalar(2.5)] },
  { op: 'Pow', inputs: [scalar(2)] },
  { op: 'Pow', inputs: [scalar(3)] },
  { op: 'Pow', range: positive, inputs: [scalar(0.5)] },
  { op: 'Pow', range: positive, inputs: [scalar(-1)] },
  { op: 'Min', inputs: [floats([4])] },
  { op: 'Max', inputs: [floats([4], 0.13), floats([6, 1, 1])] },
  { op: 'Sum', inputs: [floats([4]), 'x'] },
  { op: 'Sqrt', range: positive },
  { op: 'Exp' },
  { op: 'Log', range: positive },
  { op: 'Abs' },
  { op: 'Neg' },
  { op: 'Reciprocal', range: positive },
  { op: 'Sin' },
  { op: 'Cos' },
  {
    op: 'Gemm',
    shape: [3, 5],
    inputs: [floats([4, 5]), floats([4])],
    attributes: { transB: 1, alpha: { float: 0.5 } },
  },
  { op: 'Gemm', shape: [5, 3], inputs: [floats([5, 4]), floats([1])], attributes: { transA: 1, beta: { float: 2 } } },
  { op: 'MatMul', shape: [2, 3, 5], inputs: [floats([5, 4])] },
  { op: 'MatMul', shape: [3, 5], inputs: [floats([5])] },
  { op: 'MatMul', shape: [2, 4, 4], inputs: ['x'] },
  { op: 'Flatten', attributes: { axis: 2 } },
  { op: 'Reshape', inputs: [int64s(0, -1, 8)] },
  { op: 'Transpose', attributes: { perm: [0, 2, 3, 1] } },
  { op: 'Squeeze', opset: 11, shape: [2, 1, 4, 1], attributes: { axes: [1] } },
  { op: 'Squeeze', shape: [2, 1, 4, 1], inputs: [int64s(-1)] },
  { op: 'Squeeze', shape: [2, 1, 4, 1] },
  { op: 'Unsqueeze', opset: 11, shape: [2, 4], attributes: { axes: [0, 2] } },
  { op: 'Unsqueeze', shape: [2, 4], inputs: [int64s(-1)] },
  { op: 'Concat', inputs: [floats([2, 3, 4, 4]), 'x'], attributes: { axis: 1 } },
  { op: 'Split', opset: 11, outputs: 2, attributes: { axis: 1, split: [2, 4] } },
  { op: 'Split', outputs: 2, inputs: [int64s(1, 5)], attributes: { axis: -3 } },
  { op: 'Split', opset: 18, shape: [2, 5, 3], outputs: 3, attributes: { axis: 1, num_outputs: 3 } },
  { op: 'Slice', opset: 9, attributes: { axes: [1, 2], starts: [1, -3], ends: [5, 9999] } },
  { op: 'Slice', inputs: [int64s(0, 1), int64s(4, 4), int64s(1, -1), int64s(2, 1)] },
  { op: 'Gather', inputs: [{ shape: [], data: BigInt64Array.of(1n) }], attributes: { axis: 1 } },
  { op: 'Gather', inputs: [int64s(3, 0, -1)], attributes: { axis: 2 } },
  { op: 'Expand', shape: [2, 1, 4], inputs: [int64s(2, 3, 1)] },
  { op: 'Tile', shape: [2, 3], inputs: [int64s(1, 2)] },
  { op: 'Pad', opset: 7, attributes: { pads: [0, 0, 1, 2, 0, 0, 0, 1], value: { float: 0.5 } } },
  { op: 'Pad', opset: 13, inputs: [int64s(0, 0, 1, 2, 0, 0, 0, 1), scalar(-1)] },
  { op: 'Pad', opset: 18, inputs: [int64s(1, 2), null, int64s(-1)] },
  { op: 'Identity' },
  { op: 'Dropout', inputs: [scalar(0)] },
  { op: 'Dropout', inputs: [scalar(0.4)] },
  { op: 'Cast', attributes: { to: 1 } },
  { op: 'MaxPool', attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
  { op: 'MaxPool', attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } },
  { op: 'MaxPool', attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } },
  { op: 'MaxPool', attributes: { kernel_shape: [2, 3], auto_pad: 'SAME_UPPER' } },
  { op: 'AveragePool', attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
  { op: 'AveragePool', attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } },
  { op: 'AveragePool', attributes: { kernel_shape: [3, 3], pads: [1, 0, 1, 0], count_include_pad: 1 } },
  { op: 'GlobalAveragePool' },
  { op: 'GlobalMaxPool' },
  { op: 'ReduceMean', opset: 13, attributes: { axes: [2, 3] } },
  { op: 'ReduceMean', opset: 18, inputs: [int64s(-1)], attributes: { keepdims: 0 } },
  { op: 'ReduceSum', inputs: [int64s(1)] },
  { op: 'ReduceMax', attributes: { axes: [3] } },
  { op: 'ReduceMin', attributes: { axes: [1], keepdims: 0 } },
  { op: 'ReduceL1', attributes: { axes: [1] } },
  { op: 'ReduceL2', attributes: { axes: [1] } },
  { op: 'ReduceSumSquare', attributes: { axes: [2, 3] } },
  { op: 'Resize', opset: 10, inputs: [vector(1, 1, 2, 1.5)], attributes: { mode: 'linear' } },
  { op: 'Resize', opset: 13, inputs: [null, vector(1, 1, 2, 3)] },
  { op: 'Resize', opset: 13, inputs: [null, null, int64s(2, 6, 7, 5)], attributes: { mode: 'linear' } },
  {
    op: 'Resize',
    opset: 13,
    inputs: [null, null, int64s(2, 6, 7, 3)],
    attributes: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  },
  {
    op: 'Resize',
    opset: 13,
    inputs: [null, vector(1, 1, 0.5, 2)],
    attributes: { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  },
  { op: 'Upsample', opset: 9, inputs: [vector(1, 1, 2, 2)] },
  { op: 'Shape' },
];

/** images -> 1x1 convolution -> the shape that is wanted -> the operator -> one row of numbers. */
function modelOf(one: OperatorCase, moved?: (name: string, data: Float32Array) => Float32Array): ParsedModel {
  const { op, shape = [2, 6, 4, 4], opset = 13, attributes = {}, inputs = [], outputs = 1, range } = one;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const [low, high] = range ?? [-2, 2];
  const initializers: Record<string, TestTensor> = {
    stem: hashedTensor([1, 3, 1, 1], 1, 0, (high - low) / 6),
    shift: scalar((low + high) / 2),
    size: int64s(...shape),
    flat: int64s(1, -1),
  };
  const names = inputs.map((input, i) => {
    if (input === null) return '';
    if (input === 'x') return 'x';
    initializers[`input${i + 1}`] = input;
    return `input${i + 1}`;
  });
  if (moved !== undefined) {
    for (const [name, { shape: own, data }] of Object.entries(initializers)) {
      if (data instanceof Float32Array) initializers[name] = { shape: own, data: moved(name, data) };
    }
  }
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const isShape = op === 'Shape';
  const nodes: TestNode[] = [
    { op: 'Conv', inputs: ['images', 'stem'], outputs: ['features'] },
    { op: 'Add', inputs: ['features', 'shift'], outputs: ['shifted'] },
    { op: 'Reshape', inputs: ['shifted', 'size'], outputs: ['x'] },
    { op, inputs: ['x', ...names], outputs: results, attributes },
    // What Shape gives is used as a shape.
    ...results.map((name, i) => ({
      op: 'Reshape',
      inputs: isShape ? ['x', name] : [name, 'flat'],
      outputs: [`flat${i}`],
    })),
    {
      op: 'Concat',
      inputs: results.map((_, i) => `flat${i}`),
      outputs: ['embedding'],
      attributes: { axis: isShape ? 0 : 1 },
    },
  ];
  return testModel({ opset, images: [1, 3, 1, size], nodes, initializers, outputs: ['embedding'] }) as ParsedModel;
}

/** The case whose graph ONNX Runtime computes: dropout is a product with the factors that the pass has. */
function referenceOf(one: OperatorCase, { masks }: NetworkBuilder): OperatorCase {
  const [data] = dropoutFactors(masks, dropoutSeed, 0).values();
  return data === undefined ? one : { op: 'Mul', inputs: [{ shape: masks[0].shape, data }] };
}

const dropoutSeed = 5;

/** What a training network takes besides its images: parameters and the factors of dropout. */
function feedsOf({ specs, masks }: NetworkBuilder): Record<string, Tensor> {
  const factors = dropoutFactors(masks, dropoutSeed, 0);
  return Object.fromEntries([
    ...specs.flatMap((spec) =>
      isTrained(spec) && spec.filler.type === 'stored' ? [[spec.name, float32(spec.filler.data, spec.shape)]] : [],
    ),
    ...masks.map(({ name, shape }) => [name, float32(factors.get(name)!, shape)]),
  ]) as Record<string, Tensor>;
}

async function original(model: ParsedModel, images: Tensor): Promise<Float32Array> {
  await using session = await Session.create(encodeModel(model), { device: 'cpu', threads: 1 });
  return float32Data((await session.run({ images })).embedding);
}

const widthOf = (model: ParsedModel): number => Number(model.graph.input[0].type!.tensorType!.shape!.dim[3].dimValue);

const titleOf = ({ op, opset = 13, attributes = {} }: OperatorCase): string =>
  `${op}, opset ${opset} ${JSON.stringify(attributes)}`;

/** float32 rounding; WebGPU allows exp, tanh and division more. */
const tolerances = { cpu: 2e-5, webgpu: 1e-3 };
/** Half the step of a difference: float32 rounding of 1e-7 / step against a truncation of step²; short where the function has corners. */
const stepOf = (op: string): number => (cornered.has(op) ? 2 ** -13 : 2 ** -7);
const cornered = new Set([
  'PRelu',
  'Relu',
  'LeakyRelu',
  'Elu',
  'Clip',
  'HardSigmoid',
  'HardSwish',
  'Min',
  'Max',
  'Abs',
  'MaxPool',
  'GlobalMaxPool',
  'ReduceMax',
  'ReduceMin',
  'ReduceL1',
]);
/** What rounding and truncation leave of a directional derivative, relative to the length of the gradient. */
const derivativeTolerance = 4e-3;

async function check(one: OperatorCase): Promise<void> {
  const model = modelOf(one);
  const width = widthOf(model);
  const images = float32(hashedUniform(3 * width, 99, 0, 1), [1, 3, 1, width]);
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  const embedding = onnxNetwork(net, graph.input('images', 'float32', images.dims), model);
  const weights = hashedUniform(embedding.size, 7, 0, 1);
  const trained = net.specs.filter(isTrained);
  const grads = gradients(
    sum(mul(embedding, graph.constant(weights, embedding.shape))),
    trained.map((spec) => net.values.get(spec.name)!),
  );
  const outputs = { embedding, ...Object.fromEntries(trained.map((spec, i) => [`gradient:${spec.name}`, grads[i]])) };
  await using session = await Session.create(serialize(graph, { outputs, target: { device: 'cpu' } }), { threads: 1 });
  const feeds: Record<string, Tensor> = { images, ...feedsOf(net) };
  const present = Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)));
  const results = await session.run(present);

  const reference = referenceOf(one, net);
  const expected = await original(modelOf(reference), images);
  const scale = Math.max(...expected.map(Math.abs), 1);
  expect(results.embedding.dims.reduce((a, b) => a * b, 1)).toBe(expected.length);
  float32Data(results.embedding).forEach((value, i) => {
    expect(Math.abs(value - expected[i]), `${titleOf(one)}: value ${i}`).toBeLessThan(tolerances.cpu * scale);
  });
  for (const { name, shape } of trained) {
    const gradient = float32Data(results[`gradient:${name}`]);
    const length = Math.max(Math.sqrt(gradient.reduce((total, value) => total + value * value, 0)), 0.1);
    const direction = hashedUniform(
      shape.reduce((product, dim) => product * dim, 1),
      13,
      0,
      1,
    );
    const along = async (amount: number): Promise<number> => {
      const shifted = modelOf(reference, (own, data) =>
        own === name ? data.map((value, i) => value + amount * direction[i]) : data,
      );
      return (await original(shifted, images)).reduce((total, value, i) => total + value * weights[i], 0);
    };
    const step = stepOf(one.op);
    const difference = ((await along(step)) - (await along(-step))) / (2 * step);
    const derivative = gradient.reduce((total, value, i) => total + value * direction[i], 0);
    const reach = Math.sqrt(direction.reduce((total, value) => total + value * value, 0));
    expect(Math.abs(derivative - difference), `${titleOf(one)}: along ${name}`).toBeLessThan(
      derivativeTolerance * length * reach,
    );
  }
}

describe('operators read from ONNX', () => {
  it('each have a case', () => {
    const tested = new Set(cases.map(({ op }) => op));
    expect([...operators.keys()].filter((op) => !tested.has(op))).toEqual([]);
  });

  it.each(cases.map((one) => [titleOf(one), one] as const))('%s', (_, one) => check(one));
});

describe('a single number of a file', () => {
  const trainedOf = (one: OperatorCase): string[] => {
    const net = new TrainingBuilder(new Graph());
    const model = modelOf(one);
    onnxNetwork(net, net.graph.input('images', 'float32', [1, 3, 1, widthOf(model)]), model);
    return net.specs.filter(isTrained).flatMap(({ name }) => (name.startsWith('input') ? [name] : []));
  };
  it.each([
    ['a factor', 'Mul', vector(0.7), true],
    ['a term', 'Add', vector(0.3), true],
    ['a slope', 'PRelu', vector(0.3), true],
    ['a constant of an activation function', 'Mul', scalar(0.5), false],
    ['an epsilon', 'Add', vector(1e-5), false],
    ['a divisor', 'Div', vector(2), false],
  ] as const)('is trained where it is %s of learned features: %s', (_, op, input, trained) => {
    expect(trainedOf({ op, inputs: [input] })).toEqual(trained ? ['input1'] : []);
  });
});

/** Renames the stored data of a model, so that several models' parameters fit into one graph. */
function withPrefix(model: ParsedModel, prefix: string): ParsedModel {
  const stored = new Set(model.graph.initializer.map(({ name }) => name));
  for (const tensor of model.graph.initializer) tensor.name = prefix + tensor.name;
  for (const node of model.graph.node) node.input = node.input.map((name) => (stored.has(name) ? prefix + name : name));
  return model;
}

/** Values and gradients of all cases, from one session: on a GPU each costs a second or two of shader compilation. */
async function allOn(device: Device & Target['device']): Promise<Record<string, Tensor>> {
  const graph = new Graph();
  const outputs: Record<string, Value> = {};
  const feeds: Record<string, Tensor> = {};
  cases.forEach((one, i) => {
    const model = withPrefix(modelOf(one), `${i}.`);
    const width = widthOf(model);
    feeds[`images${i}`] = float32(hashedUniform(3 * width, 99, 0, 1), [1, 3, 1, width]);
    const net = new TrainingBuilder(graph);
    const embedding = onnxNetwork(net, graph.input(`images${i}`, 'float32', [1, 3, 1, width]), model);
    const trained = net.specs.filter(isTrained);
    Object.assign(feeds, feedsOf(net));
    const weights = graph.constant(hashedUniform(embedding.size, 7, 0, 1), embedding.shape);
    outputs[`value ${titleOf(one)} (${i})`] = embedding;
    gradients(
      sum(mul(embedding, weights)),
      trained.map(({ name }) => net.values.get(name)!),
    ).forEach((gradient, j) => (outputs[`gradient of ${trained[j].name}, ${titleOf(one)}`] = gradient));
  });
  await using session = await Session.create(serialize(graph, { outputs, target: { device } }), { device, threads: 1 });
  return session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]])));
}

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  it('all operators give the same values and gradients', async () => {
    const expected = await allOn('cpu');
    const actual = await allOn('webgpu');
    for (const [name, tensor] of Object.entries(expected)) {
      const values = float32Data(tensor);
      const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      const other = float32Data(actual[name]);
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
      expect(worst, name).toBeLessThan(tolerances.webgpu * scale);
    }
  });
});
