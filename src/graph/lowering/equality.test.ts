// Every executable form of an op gives what the standard form gives, for every device, and values may lie in any order between ops.
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32, Session, targetFor, type Tensor } from '../../runtime/index.js';
import { expectClose, type Tolerance } from '../../testing/close.js';
import {
  biasedConvCase,
  convCase,
  type ConvSetting,
  inputGradientCase,
  weightGradientCase,
} from '../../testing/conv-cases.js';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';
import { fromTensor, toTensor, uniform } from '../../testing/nd-array.js';
import { checkCases, effort, type OpCase, seeds } from '../../testing/op-suite.js';
import {
  add,
  averagePool2d,
  batchNormTraining,
  channelAffine,
  channelDot,
  channelMoments,
  clip,
  concat,
  conv2d,
  convOutputSize,
  div,
  exp,
  expand,
  flatten,
  type FormChoice,
  Graph,
  gradients,
  greater,
  maxPool2d,
  maximum,
  mean,
  logSoftmax,
  minimum,
  mul,
  pad,
  portable,
  pow,
  prelu,
  reduceMax,
  relu,
  reshape,
  scale,
  scatterAdd,
  serialize,
  shift,
  sigmoid,
  sign,
  slice,
  softmax,
  square,
  stopGradient,
  sub,
  sum,
  type Target,
  type TargetDevice,
  transpose,
  type Value,
} from '../index.js';
import { ModelProtoSchema } from '../onnx/onnx_pb.js';
import { inverseOrder, type Layout, permute, shapeIn } from './layout.js';

const upTo = (max: number) => fc.integer({ min: 1, max });
const pairOf = (max: number) => fc.tuple(upTo(max), upTo(max));
const side = fc.nat(2);

const fits = ({ x, w, geometry }: ConvSetting): boolean =>
  convOutputSize([x[2], x[3]], [w[2], w[3]], geometry).every((size) => size >= 1);

/** Channels around the limits at which the forms change: 3 and 15 unrolled, 16 and more transformed. */
const settings: fc.Arbitrary<ConvSetting> = fc
  .record({
    n: upTo(3),
    c: fc.constantFrom(1, 3, 15, 16, 17),
    o: fc.constantFrom(8, 16, 18),
    // Widths of 8, 10 and 12 lie in tiles of columns.
    size: fc.tuple(upTo(9), upTo(12)),
    kernel: fc.oneof(fc.constant<[number, number]>([3, 3]), pairOf(4)),
    stride: pairOf(3),
    dilation: fc.oneof({ weight: 3, arbitrary: fc.constant<[number, number]>([1, 1]) }, pairOf(2)),
    padding: fc.oneof(fc.constant<[number, number, number, number]>([1, 1, 1, 1]), fc.tuple(side, side, side, side)),
    seed: seeds,
  })
  .map(({ n, c, o, size, kernel, seed, ...geometry }) => ({
    x: [n, c, ...size],
    w: [o, c, ...kernel],
    geometry: { ...geometry, groups: 1 },
    seed,
  }))
  .filter(fits);

/** A filter a channel: any stride, dilation and padding, and kernels as large as the picture. */
const depthwiseSettings: fc.Arbitrary<ConvSetting> = settings
  .map(({ x, w, geometry, seed }) => ({
    x,
    w: [x[1], 1, ...(seed % 4 === 0 ? x : w).slice(2)],
    geometry: { ...geometry, groups: x[1] },
    seed,
  }))
  .filter(fits);

/** Those whose input gradient is a convolution itself: stride 1, and no more zeros at a side than the kernel reaches beyond its first tap. */
const turnable: fc.Arbitrary<ConvSetting> = settings
  .map(({ x, w, geometry, seed }) => {
    const { dilation, padding } = geometry;
    const zeros = padding.map((side, i) => Math.min(side, dilation[i % 2] * (w[2 + (i % 2)] - 1)));
    const [top, left, bottom, right] = zeros;
    return {
      x,
      w,
      geometry: { ...geometry, stride: [1, 1] as const, padding: [top, left, bottom, right] as const },
      seed,
    };
  })
  .filter(fits);

/** Central differences over some thousand elements cost too much: the gradients are cases of their own. */
const valueOnly = (one: OpCase): OpCase => ({ ...one, unchecked: [0, 1, 2] });

describe('a convolution and its gradients in the form for the CPU', () => {
  it('are those of naive loops, for any shape', async () => {
    await fc.assert(
      fc.asyncProperty(settings, (setting) =>
        checkCases(
          [biasedConvCase, convCase, inputGradientCase, weightGradientCase].map((make) => valueOnly(make(setting))),
          'cpu',
        ),
      ),
      { numRuns: 40 * effort },
    );
  });

  it('are those of naive loops where each channel has its own filter', async () => {
    await fc.assert(
      fc.asyncProperty(depthwiseSettings, (setting) =>
        checkCases(
          [convCase, inputGradientCase, weightGradientCase].map((make) => valueOnly(make(setting))),
          'cpu',
        ),
      ),
      { numRuns: 40 * effort },
    );
  });

  it('are those of naive loops in the blocks of channels that this processor has', async (context) => {
    const target = await targetFor('cpu');
    const { channelBlock } = target;
    if (channelBlock === undefined) return context.skip('the engine keeps no blocks on this processor');
    const filled = depthwiseSettings.map(({ x: [n, , ...size], w: [, , ...kernel], geometry, seed }) => {
      const c = channelBlock * (1 + (seed % 3));
      return { x: [n, c, ...size], w: [c, 1, ...kernel], geometry: { ...geometry, groups: c }, seed };
    });
    await fc.assert(
      fc.asyncProperty(filled, (setting) => {
        const cases = [biasedConvCase, convCase, inputGradientCase, weightGradientCase].map((make) => make(setting));
        return checkCases(cases.map(valueOnly), 'cpu', [target]);
      }),
      { numRuns: 20 * effort },
    );
  });

  // What measuring may choose on a GPU, computed by the CPU for any shape and by the device for some: its provider has been wrong before.
  describe.each([
    { device: 'cpu', title: 'on the CPU', runs: 20 },
    { device: 'webgpu', title: webgpuTitle, runs: 4 },
  ] as const)('$title', ({ device, runs }) => {
    const forms = ['pictures', 'batch', 'convolution', 'turned', 'transposed'];
    it.skipIf(device === 'webgpu' && !webgpuWorks).each(forms)(
      'are those of naive loops in the form for GPUs called %s',
      async (form) => {
        const ofInput = form === 'turned' || form === 'transposed';
        const make = ofInput ? inputGradientCase : weightGradientCase;
        const target: Target = { device: 'webgpu' };
        const taken = new Set<string>();
        const choose: FormChoice = ({ forms }) => {
          if (!forms.includes(form)) return undefined;
          taken.add(form);
          return form;
        };
        await fc.assert(
          fc.asyncProperty(ofInput ? turnable : settings, (setting) =>
            checkCases([valueOnly(make(setting))], device, [target], choose),
          ),
          { numRuns: runs * effort },
        );
        expect([...taken]).toEqual([form]);
      },
    );
  });

  it.each([3, 16])('keep apart what convolutions of one picture of %i channels share', async (c) => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, c, 6, 6]);
    const [square3, other3] = ['a', 'b'].map((name) => graph.input(name, 'float32', [16, c, 3, 3]));
    const point = graph.input('p', 'float32', [16, c, 1, 1]);
    const outputs = [
      conv2d(x, square3, { padding: 1 }),
      conv2d(x, other3, { padding: 1 }),
      conv2d(x, square3, { padding: 2, stride: 2 }),
      conv2d(x, square3, { padding: [2, 0, 0, 2] }),
      conv2d(x, point, { padding: 1, stride: 2 }),
      conv2d(scale(x, 2), square3, { padding: 1 }),
    ];
    const loss = outputs.reduce<Value>((total, y, i) => add(total, scale(sum(square(y)), i + 1)), graph.scalar(0));
    const inputs = [x, square3, other3, point];
    const grads = gradients(loss, inputs);
    const all = Object.fromEntries([...outputs, ...grads].map((value, i) => [`v${i}`, value]));
    const feeds = Object.fromEntries(inputs.map((value, i) => [value.inputName!, toTensor(uniform(value.shape, i))]));
    const direct = await evaluateOn(graph, all, feeds, 'portable');
    const lowered = await evaluateOn(graph, all, feeds, 'cpu');
    for (const name of Object.keys(all))
      expectClose(fromTensor(lowered[name]), fromTensor(direct[name]), { relative: 1e-5, absolute: 0 }, name);
  });

  it.each([
    ['stride 1, 28 × 24', 2, 64, 1, [28, 24]],
    ['stride 2, 28 × 24', 2, 64, 2, [28, 24]],
    ['stride 1, 7 × 6', 2, 64, 1, [7, 6]],
    ['stride 2, 13 × 7', 2, 64, 2, [13, 7]],
    // So many pictures that every tile of the rows has products of its own; with whole tiles of rows and columns, and without.
    ['stride 1, 8 × 24', 24, 16, 1, [8, 24]],
    ['stride 2, 8 × 48', 24, 16, 2, [8, 48]],
    ['stride 1, 7 × 23', 24, 16, 1, [7, 23]],
  ] as const)('are within 1e-5 of the largest value: %s, %i pictures of %i channels', async (_, n, c, stride, size) => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [n, c, ...size]);
    const w = graph.input('w', 'float32', [c, c, 3, 3]);
    const y = conv2d(x, w, { stride, padding: 1 });
    const r = graph.input('r', 'float32', y.shape);
    const [gx, gw] = gradients(sum(mul(y, r)), [x, w]);
    const feeds = Object.fromEntries(
      [x, w, r].map((value, i) => [value.inputName!, toTensor(uniform(value.shape, i))]),
    );
    const run = (device: 'cpu' | 'portable') => evaluateOn(graph, { y, gx, gw }, feeds, device);
    const [direct, lowered] = [await run('portable'), await run('cpu')];
    for (const name of ['y', 'gx', 'gw'])
      expectClose(fromTensor(lowered[name]), fromTensor(direct[name]), { relative: 1e-5, absolute: 0 }, name);
  });
});

describe('constant weights', () => {
  const constants = (graph: Graph) => (shape: readonly number[], seed: number, low?: number, high?: number) =>
    graph.constant(Float32Array.from(uniform(shape, seed, low, high).data), shape);

  // Channels on both sides of the limit, slopes that are all at most 1 and slopes that are not.
  it.each([
    ['in the direct form throughout', [16, 128], 1],
    ['in the direct form, with steep slopes', [17, 128], 1.5],
    ['in the transformed form', [144, 160], 1],
    ['in both forms by turns', [128, 144, 16], 1.5],
  ] as const)('give what the direct form gives: %s', async (_, channels, steepest) => {
    const graph = new Graph();
    const constant = constants(graph);
    const input = graph.input('x', 'float32', [2, channels[0], 9, 10]);
    let x = input;
    channels.forEach((out, i) => {
      const [w, bias] = [constant([out, x.shape[1], 3, 3], 2 * i, -0.1, 0.1), constant([out], 2 * i + 1)];
      const y = conv2d(x, w, { padding: 1, stride: i === 1 ? 2 : 1, bias });
      x = prelu(y, constant([out], 100 + i, -0.5, steepest));
      const again = constant([out, out, 3, 3], 200 + i, -0.1, 0.1);
      x = add(x, prelu(conv2d(x, again, { padding: 1 }), constant([out], 300 + i, -0.5, steepest)));
    });
    const outputs = { y: x, flat: sum(flatten(x), { axes: [0] }) };
    const feeds = { x: toTensor(uniform(input.shape, 9)) };
    const [direct, lowered] = [
      await evaluateOn(graph, outputs, feeds, 'portable'),
      await evaluateOn(graph, outputs, feeds, 'cpu'),
    ];
    for (const name of ['y', 'flat'])
      expectClose(fromTensor(lowered[name]), fromTensor(direct[name]), { relative: 1e-5, absolute: 0 }, name);
  });

  it.each([
    ['128 channels stay as they are', 128, ['Conv']],
    ['129 are transformed', 129, ['MatMul', 'MatMul', 'MatMul', 'MatMul', 'MatMul', 'MatMul', 'MatMul']],
  ] as const)('choose the form by their channels: %s', (_, channels, expected) => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, channels, 12, 12]);
    const y = conv2d(x, constants(graph)([32, channels, 3, 3], 1), { padding: 1 });
    const model = fromBinary(ModelProtoSchema, serialize(graph, { outputs: { y }, target: { device: 'cpu' } }));
    const types = model.graph!.node.map(({ opType }) => opType);
    expect(types.filter((type) => type === 'Conv' || type === 'MatMul')).toEqual(expected);
  });
});

async function evaluateOn(
  graph: Graph,
  outputs: Record<string, Value>,
  feeds: Record<string, Tensor>,
  device: TargetDevice,
): Promise<Record<string, Tensor>> {
  const target = { device };
  await using session = await Session.create(serialize(graph, { outputs, target }), { threads: 1 });
  return await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]])));
}

const devices = ['cpu', 'cuda', 'webgpu', 'wasm'] as const satisfies readonly TargetDevice[];

/** Fails unless the forms for every device give what the standard ones give. All run on the CPU, which knows all their operators. */
async function expectEqualForms(
  graph: Graph,
  outputs: Record<string, Value>,
  feeds: Record<string, Tensor>,
  tolerance: Tolerance,
  title: string,
): Promise<void> {
  const standard = serialize(graph, { outputs });
  const expected = await evaluateOn(graph, outputs, feeds, 'portable');
  for (const device of devices) {
    if (Buffer.compare(standard, serialize(graph, { outputs, target: { device } })) === 0) continue;
    const lowered = await evaluateOn(graph, outputs, feeds, device);
    for (const name of Object.keys(outputs)) {
      expectClose(fromTensor(lowered[name]), fromTensor(expected[name]), tolerance, `${title}: ${name} for ${device}`);
    }
  }
}

/**
 * Forms that only some devices have and that a chain of {@link steps} may miss: by name, the device, an operator by which the form
 * is known, and a graph in which it is taken. Those of convolutions for the CPU have their own suites above.
 */
const forms: Readonly<
  Record<string, { device: TargetDevice; operator: string; build: (graph: Graph, x: Value) => Value }>
> = {
  'prelu with Clip, Mul and Add': {
    device: 'cpu',
    operator: 'Clip',
    build: (graph, x) => prelu(x, graph.input('slope', 'float32', [x.shape[1]])),
  },
  'prelu of rank 2': {
    device: 'cpu',
    operator: 'Clip',
    build: (graph, x) => prelu(flatten(x), graph.input('slope', 'float32', [x.size / x.shape[0]])),
  },
  'prelu with steep slopes that are known': {
    device: 'cpu',
    operator: 'Clip',
    build: (graph, x) => prelu(x, graph.constant(Float32Array.of(0.3, 1.5, -0.2), [3])),
  },
  'prelu with two convolutions': {
    device: 'cpu',
    operator: 'Conv',
    build: (graph, x) => prelu(x, graph.constant(Float32Array.of(0.3, 1, -0.2), [3])),
  },
  'scale and offset of channels as a convolution': {
    device: 'cpu',
    operator: 'Conv',
    build: (graph, x) => {
      const [scale, offset] = ['scale', 'offset'].map((name) => graph.input(name, 'float32', [3]));
      return channelAffine(x, scale, offset);
    },
  },
  'sums of products of channels as products of rows': {
    device: 'cpu',
    operator: 'FusedMatMul',
    build: (_, x) => channelDot(x, scale(x, 2)),
  },
  'means and variances of channels': {
    device: 'cpu',
    operator: 'FusedMatMul',
    build: (_, x) => {
      const { mean, variance } = channelMoments(x);
      return add(mean, variance);
    },
  },
  'input gradient of a depthwise convolution with stride 2': {
    device: 'cpu',
    operator: 'MatMul',
    build: (graph, x) => conv2d(x, graph.input('w', 'float32', [3, 1, 3, 3]), { groups: 3, stride: 2, padding: 1 }),
  },
  'convolution of pixels beside a depthwise one': {
    device: 'cpu',
    operator: 'Conv',
    build: (graph, x) => {
      const [into, depthwise, out] = [
        [16, 3, 1, 1],
        [16, 1, 3, 3],
        [17, 16, 1, 1],
      ].map((shape, i) => graph.input(`w${i}`, 'float32', shape));
      return conv2d(relu(conv2d(conv2d(x, into), depthwise, { groups: 16, padding: 1 })), out);
    },
  },
  'power of operands of one shape': {
    device: 'webgpu',
    operator: 'Expand',
    build: (graph, x) => pow(exp(x), graph.input('exponent', 'float32', [1, 3, 1, 1])),
  },
  'sign as the difference of two masks': {
    device: 'webgpu',
    operator: 'HardSigmoid',
    build: (_, x) => mul(x, sign(x)),
  },
  'logarithm of the softmax, spelt out': {
    device: 'webgpu',
    operator: 'ReduceMax',
    build: (_, x) => logSoftmax(scale(x, 100), 2),
  },
  'rows added at indices as a product': {
    device: 'webgpu',
    operator: 'Equal',
    build: (graph, x) => scatterAdd(x, graph.constant(Int32Array.of(2, 2), [2]), [4, ...x.shape.slice(1)]),
  },
  'positions of the maxima by comparison': {
    device: 'webgpu',
    operator: 'ArgMax',
    build: (_, x) => maxPool2d(x, { kernel: [3, 2], stride: 2, padding: 1, rounding: 'ceil' }),
  },
  'convolution with padding below and to the right': {
    device: 'webgpu',
    operator: 'Slice',
    build: (graph, x) => conv2d(x, graph.input('w', 'float32', [4, 3, 1, 1]), { padding: [0, 0, 1, 2] }),
  },
  'input gradient of several filters for one channel of a group': {
    device: 'webgpu',
    operator: 'ConvTranspose',
    build: (graph, x) => conv2d(x, graph.input('w', 'float32', [6, 1, 2, 2]), { groups: 3, stride: 2 }),
  },
};

describe('a form for one device', () => {
  it.each(Object.entries(forms))(
    '%s gives what the standard form gives',
    async (title, { device, operator, build }) => {
      const graph = new Graph();
      const x = graph.input('x', 'float32', [2, 3, 5, 4]);
      const y = build(graph, x);
      const r = graph.input('r', 'float32', y.shape);
      const [gx] = gradients(sum(mul(y, r)), [x]);
      const outputs = { y, gx };
      const operators = (target: Target) =>
        fromBinary(ModelProtoSchema, serialize(graph, { outputs, target })).graph!.node.map(({ opType }) => opType);
      const count = (types: readonly string[]) => types.filter((type) => type === operator).length;
      expect(operators({ device })).not.toEqual(operators(portable));
      expect(count(operators({ device }))).toBeGreaterThanOrEqual(Math.max(1, count(operators(portable))));
      const feeds = Object.fromEntries(
        graph.inputs.map(({ inputName, shape }, i) => [inputName!, toTensor(uniform(shape, i + 1))]),
      );
      await expectEqualForms(graph, outputs, feeds, { relative: 1e-5, absolute: 1e-6 }, title);
    },
  );
});

/** What may follow a convolution. Each keeps rank 4 and any shape; `draw` gives further inputs. */
type Step = (x: Value, draw: (shape: readonly number[]) => Value) => Value;
const channelsOf = (x: Value) => x.shape[1];
const steps: Readonly<Record<string, Step>> = {
  conv: (x, draw) => conv2d(x, draw([16, channelsOf(x), 3, 3]), { padding: 1, bias: draw([16]) }),
  'conv with stride 2': (x, draw) => conv2d(x, draw([17, channelsOf(x), 3, 3]), { stride: 2, padding: 1 }),
  pointwise: (x, draw) => conv2d(x, draw([16, channelsOf(x), 1, 1])),
  depthwise: (x, draw) => conv2d(x, draw([channelsOf(x), 1, 3, 3]), { padding: 1, groups: channelsOf(x) }),
  prelu: (x, draw) => prelu(x, draw([channelsOf(x)])),
  relu: (x) => relu(x),
  'residual sum': (x, draw) => add(x, conv2d(relu(x), draw([channelsOf(x), channelsOf(x), 3, 3]), { padding: 1 })),
  'with another value of its shape': (x, draw) => sub(draw(x.shape), x),
  'with a scalar': (x) => shift(scale(x, -0.7), 0.1),
  'with channels [c, 1, 1]': (x, draw) => mul(x, draw([channelsOf(x), 1, 1])),
  'with channels [1, c, 1, 1]': (x, draw) => add(draw([1, channelsOf(x), 1, 1]), x),
  'with pixels [h, w]': (x, draw) => mul(draw([x.shape[2], x.shape[3]]), x),
  'with a row [w]': (x, draw) => add(x, draw([x.shape[3]])),
  'with samples [n, 1, 1, 1]': (x, draw) => mul(x, draw([x.shape[0], 1, 1, 1])),
  'broadcast to a larger batch': (x, draw) => (x.shape[0] === 1 ? add(x, draw([2, ...x.shape.slice(1)])) : x),
  'sum over channels, kept': (x) => sub(x, sum(x, { axes: [1], keepDims: true })),
  'mean over pixels, kept': (x) => sub(x, mean(x, { axes: [2, 3], keepDims: true })),
  'mean over pixels, dropped': (x) => add(x, reshape(mean(x, { axes: [2, 3] }), [x.shape[0], channelsOf(x), 1, 1])),
  'sum over samples, dropped': (x) => add(x, sum(x, { axes: [0] })),
  'sum over samples and channels, dropped': (x) => add(x, sum(x, { axes: [0, 1] })),
  'sum over pixels and samples, kept': (x) => sub(x, sum(x, { axes: [0, 2, 3], keepDims: true })),
  'max over width, dropped': (x) => add(x, reshape(reduceMax(x, { axes: [3] }), [...x.shape.slice(0, 3), 1])),
  'sum over channels and width, dropped': (x) =>
    add(x, reshape(sum(x, { axes: [1, 3] }), [x.shape[0], 1, x.shape[2], 1])),
  'batch normalisation': (x, draw) =>
    batchNormTraining(x, { gamma: draw([channelsOf(x)]), beta: draw([channelsOf(x)]), epsilon: 0.1 }).y,
  'softmax over channels': (x) => softmax(x, 1),
  'max pooling': (x) => maxPool2d(x, { kernel: 2, stride: 1, padding: 1 }),
  'average pooling': (x) => averagePool2d(x, { kernel: 2, stride: 1, padding: 1 }),
  'concat along channels': (x) => concat([x, relu(x)], 1),
  'slice of channels': (x) => slice(x, { axes: [1], starts: [0], ends: [channelsOf(x)], steps: [2] }),
  padding: (x) => pad(x, { before: [0, 0, 1, 0], after: [0, 1, 0, 1] }),
  'transpose of the pixels': (x) => transpose(x, [0, 1, 3, 2]),
  'transpose of samples and channels': (x) => transpose(x, [1, 0, 2, 3]),
  'flatten and back': (x) => reshape(sigmoid(flatten(x)), x.shape),
  'comparison with itself': (x) => mul(x, greater(x, scale(x, 0.5))),
  'minimum and maximum': (x, draw) => minimum(maximum(x, draw([channelsOf(x), 1, 1])), shift(x, 1)),
  clip: (x) => clip(x, -0.5, 0.9),
  'quotient of broadcast values': (x) => div(x, shift(square(sum(x, { axes: [1], keepDims: true })), 1)),
  'power of a positive value': (x, draw) => pow(exp(clip(x, -1, 1)), draw([1, channelsOf(x), 1, 1])),
  'expansion of a mean': (x) => sub(x, expand(mean(x, { axes: [0, 2], keepDims: true }), x.shape)),
  'stop-gradient': (x) => add(x, stopGradient(exp(clip(x, -1, 1)))),
};

/** The steps one after the other behind a first convolution, as a loss with all its gradients. */
function network(names: readonly string[], batch: number) {
  const graph = new Graph();
  const inputs: Value[] = [];
  const draw = (shape: readonly number[]): Value => {
    const input = graph.input(`input${inputs.length}`, 'float32', shape);
    inputs.push(input);
    return input;
  };
  const feeds = () =>
    Object.fromEntries(
      // Small weights keep every activation near 1, so that one tolerance serves all.
      inputs.map((value, i) => [value.inputName!, toTensor(uniform(value.shape, i + 1, -0.3, 0.4))]),
    );
  // Eight columns lie in two tiles of four.
  let x = conv2d(draw([batch, 3, 6, 8]), draw([16, 3, 3, 3]), { padding: 1 });
  const all = [x];
  for (const name of names) {
    x = steps[name](x, draw);
    all.push(x);
  }
  const y = all.reduce<Value>((total, value) => add(total, mean(square(value))), graph.scalar(0));
  const grads = gradients(y, inputs);
  // The last value is an output as well: it has to come out in the standard order.
  return { graph, feeds, outputs: { y, x, ...Object.fromEntries(grads.map((g, i) => [`g${i}`, g])) } };
}

describe('values in other orders than the standard one', () => {
  const compare = async (names: readonly string[], batch: number) => {
    const { graph, feeds, outputs } = network(names, batch);
    // Rounding of 1e-7 per op, which chains of ops can magnify a thousand times (a softmax of large sums); a wrong order is off by 1.
    await expectEqualForms(graph, outputs, feeds(), { relative: 1e-3, absolute: 1e-6 }, names.join(', '));
  };

  it.each(Object.keys(steps))('pass through %s', (name) => compare([name, 'conv'], 2));

  it('pass through any chain of ops', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 6 }),
        upTo(2),
        compare,
      ),
      // Always the same chains by default: in one of a thousand, rounding moves a value across the kink of a relu or a comparison.
      { numRuns: 25 * effort, ...(effort === 1 ? { seed: 1 } : {}) },
    );
  });

  it('are taken and given as the caller keeps them', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 16, 5, 8]);
    const w = graph.input('w', 'float32', [17, 16, 3, 3]);
    const y = conv2d(x, w, { padding: 1 });
    const [gw] = gradients(sum(square(y)), [w]);
    const picture = toTensor(uniform(x.shape, 1));
    const weights = uniform(w.shape, 2);
    const standard = await evaluateOn(graph, { y, gw }, { x: picture, w: toTensor(weights) }, 'portable');
    const layouts = { w: 'hwio', gw: 'hwio', y: 'tiled' } as const;
    await using session = await Session.create(
      serialize(graph, { outputs: { y, gw }, target: { device: 'cpu' }, layouts }),
      { threads: 1 },
    );
    const turned = permute(Float32Array.from(weights.data), w.shape, 'hwio', 'to');
    const results = await session.run({ x: picture, w: float32(turned, shapeIn('hwio', w.shape)) });
    for (const [name, shape] of [['y', y.shape] as const, ['gw', w.shape] as const]) {
      const layout: Layout = layouts[name];
      expect(results[name].dims).toEqual(shapeIn(layout, shape));
      const back = permute(results[name].data as Float32Array, shape, layout, 'from');
      expectClose(fromTensor(float32(back, shape)), fromTensor(standard[name]), { relative: 1e-5, absolute: 0 }, name);
    }
  });

  it('are permuted to and fro exactly', () => {
    const shape = [2, 3, 4, 8];
    const data = Float32Array.from({ length: 192 }, (_, i) => i);
    for (const layout of ['standard', 'hwnc', 'tiled', 'chwn', 'hwio'] as const) {
      expect(permute(permute(data, shape, layout, 'to'), shape, layout, 'from')).toEqual(data);
      expect(inverseOrder(layout).map((axis) => shapeIn(layout, shape)[axis])).toEqual(shape);
    }
    // Element [h, w, n, c] = [1, 2, 1, 2] of hwnc is element [1, 2, 1, 2] of the standard order [n, c, h, w].
    expect(permute(data, shape, 'hwnc', 'to')[((1 * 8 + 2) * 2 + 1) * 3 + 2]).toBe(data[((1 * 3 + 2) * 4 + 1) * 8 + 2]);
    // Eight columns as two tiles of four: the first of both, the second of both, and so on. Column 6 is the third of the second tile.
    expect(permute(data, shape, 'tiled', 'to')[((1 * 8 + 5) * 2 + 1) * 3 + 2]).toBe(
      data[((1 * 3 + 2) * 4 + 1) * 8 + 6],
    );
  });
});
