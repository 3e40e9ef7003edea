// Layers: their parameters with multipliers, and that training and inference graphs compute the same function.
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { Graph, serialize, type Value } from '../graph/index.js';
import { float32, float32Data, Session } from '../runtime/index.js';
import { expectClose } from '../testing/close.js';
import { fromTensor, map, type NdArray, toTensor, uniform } from '../testing/nd-array.js';
import { batchNorm, convolution, fullyConnected, parametricRelu, squeezeExcitation } from './layers.js';
import { mobileFaceNet } from './backbones/mobilefacenet.js';
import {
  countParameters,
  InferenceBuilder,
  initialize,
  isTrained,
  type NetworkBuilder,
  TrainingBuilder,
} from './parameters.js';
import { sfnet } from './backbones/sfnet.js';

type Network = (net: NetworkBuilder, x: Value) => Value;

/** The output for x, from a training or an inference graph with the same values; statistics too where there are some. */
async function run(mode: 'training' | 'inference', network: Network, x: NdArray, values: Map<string, Float32Array>) {
  const graph = new Graph();
  const net =
    mode === 'training' ? new TrainingBuilder(graph, { frozen: values }) : new InferenceBuilder(graph, values);
  const y = network(net, graph.input('x', 'float32', x.shape));
  const statistics = Object.fromEntries([...net.statistics].map(([name, value]) => [`new:${name}`, value]));
  await using session = await Session.create(serialize(graph, { outputs: { y, ...statistics } }), { threads: 1 });
  const shapes = new Map(net.specs.map(({ name, shape }) => [name, shape]));
  const feeds = session.inputNames.map((name) => [
    name,
    name === 'x' ? toTensor(x) : float32(values.get(name)!, shapes.get(name)!),
  ]);
  return await session.run(Object.fromEntries(feeds));
}

function start(network: Network, shape: readonly number[]): Map<string, Float32Array> {
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  network(net, graph.input('x', 'float32', shape));
  return initialize(net.specs, new Random(5));
}

describe('layers', () => {
  const smallSfnet: Network = (net, x) => sfnet(net, x, { depth: 10, widths: [16, 16, 17, 18], embeddingSize: 8 });

  it.each([
    ['sfnet', smallSfnet],
    [
      'a plain network',
      (net, x) =>
        fullyConnected(
          net,
          'fc',
          parametricRelu(net, 'relu', convolution(net, 'conv', x, { out: 4, kernel: 3, bias: 'caffe' })),
          { out: 5 },
        ),
    ],
  ] as [string, Network][])('compute the same in training and inference: %s', async (_, network) => {
    const x = uniform([2, 3, 32, 24], 1);
    const values = start(network, x.shape);
    const [training, inference] = [
      await run('training', network, x, values),
      await run('inference', network, x, values),
    ];
    expect(float32Data(training.y).some((value) => value !== 0)).toBe(true);
    expectClose(fromTensor(inference.y), fromTensor(training.y), { relative: 1e-5, absolute: 0 }, 'inference');
  });

  it("give Caffe's multipliers: biases learn twice as fast without decay, residual biases stay at zero, slopes decay", () => {
    const graph = new Graph();
    const net = new TrainingBuilder(graph);
    smallSfnet(net, graph.input('x', 'float32', [1, 3, 32, 24]));
    const spec = (name: string) => net.specs.find((one) => one.name === name)!;
    expect(spec('conv1_1.bias')).toMatchObject({ learningRateMultiplier: 2, decayMultiplier: 0 });
    expect(spec('conv2_2.bias')).toMatchObject({ learningRateMultiplier: 0, decayMultiplier: 0 });
    expect(isTrained(spec('conv2_2.bias'))).toBe(false);
    expect(spec('fc5.bias')).toMatchObject({ learningRateMultiplier: 2, decayMultiplier: 0 });
    for (const name of ['conv1_1.weight', 'relu1_1.slope', 'fc5.weight']) {
      const { learningRateMultiplier = 1, decayMultiplier = 1 } = spec(name);
      expect([name, learningRateMultiplier, decayMultiplier]).toEqual([name, 1, 1]);
    }
  });

  it('declare each parameter once, and refuse values that do not fit', () => {
    const graph = new Graph();
    const net = new TrainingBuilder(graph);
    const x = graph.input('x', 'float32', [1, 3, 8, 8]);
    convolution(net, 'conv', x, { out: 4, kernel: 3 });
    expect(() => convolution(net, 'conv', x, { out: 4, kernel: 3 })).toThrow(/already has a parameter "conv\.weight"/);
    const stored = new InferenceBuilder(new Graph(), new Map([['conv.weight', new Float32Array(5)]]));
    const y = stored.graph.input('x', 'float32', [1, 3, 8, 8]);
    expect(() => convolution(stored, 'conv', y, { out: 4, kernel: 3 })).toThrow(
      /"conv\.weight" does not fit.*\n.*got: 5 values\n.*expected: 108 values for \[4, 3, 3, 3\]/,
    );
    expect(() => convolution(stored, 'other', y, { out: 4, kernel: 3 })).toThrow(/got: no such parameter/);
  });
});

describe('batch normalisation', () => {
  const network: Network = (net, x) => batchNorm(net, 'norm', x);
  const x = map(uniform([4, 2, 3, 3], 2), (value) => Math.fround(3 * value + 1));
  const count = 4 * 3 * 3;
  const channel = (k: number) => [...x.data].filter((_, i) => Math.floor(i / 9) % 2 === k);
  const meanOf = (k: number) => channel(k).reduce((a, b) => a + b, 0) / count;
  const unbiasedOf = (k: number) =>
    channel(k).reduce((total, value) => total + (value - meanOf(k)) ** 2, 0) / (count - 1);

  it('moves its running statistics a tenth of the way, by the unbiased variance', async () => {
    const results = await run('training', network, x, start(network, x.shape));
    for (const k of [0, 1]) {
      expect(float32Data(results['new:norm.mean'])[k]).toBeCloseTo(0.1 * meanOf(k), 5);
      expect(float32Data(results['new:norm.variance'])[k]).toBeCloseTo(0.9 + 0.1 * unbiasedOf(k), 4);
    }
  });

  it('uses them at inference: with the statistics of a batch both modes nearly agree on it', async () => {
    const values = start(network, x.shape);
    const training = await run('training', network, x, values);
    values.set('norm.mean', Float32Array.of(meanOf(0), meanOf(1)));
    values.set('norm.variance', Float32Array.of(unbiasedOf(0), unbiasedOf(1)));
    const inference = await run('inference', network, x, values);
    // They differ by the factor sqrt(n / (n − 1)) between biased and unbiased variance: 1.4 % for n = 36.
    const ratio = Math.sqrt((count - 1) / count);
    expectClose(
      fromTensor(inference.y),
      map(fromTensor(training.y), (value) => value * ratio),
      { relative: 1e-4, absolute: 0 },
      'inference',
    );
  });
});

describe('squeeze and excitation', () => {
  it.each(['training', 'inference'] as const)(
    'weighs channels by what two layers make of their means: %s',
    async (mode) => {
      const network: Network = (net, x) => squeezeExcitation(net, 'se', x, 3);
      const x = uniform([2, 6, 3, 4], 4);
      const values = start(network, x.shape);
      values.set('se.squeeze.bias', Float32Array.of(0.1, -0.05));
      values.set('se.excite.bias', Float32Array.of(0.3, -0.2, 0.1, 0, 0.5, -0.4));
      const layer = (name: string, input: readonly number[]): number[] => {
        const weight = values.get(`${name}.weight`)!;
        return [...values.get(`${name}.bias`)!].map((bias, row) =>
          input.reduce((sum, value, column) => sum + value * weight[row * input.length + column], bias),
        );
      };
      const expected = [0, 1].flatMap((picture) => {
        const channels = Array.from({ length: 6 }, (_, k) => [...x.data.slice((picture * 6 + k) * 12).slice(0, 12)]);
        const means = channels.map((channel) => channel.reduce((a, b) => a + b, 0) / 12);
        const squeezed = layer('se.squeeze', means).map((value) => Math.max(0, value));
        const weights = layer('se.excite', squeezed).map((value) => 1 / (1 + Math.exp(-value)));
        return channels.flatMap((channel, k) => channel.map((value) => value * weights[k]));
      });
      const { y } = await run(mode, network, x, values);
      float32Data(y).forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 6);
      });
    },
  );
});

describe('MobileFaceNet', () => {
  it('has about 0.99 million parameters for 112 × 112 and runs in both modes', async () => {
    const graph = new Graph();
    const net = new TrainingBuilder(graph);
    expect(mobileFaceNet(net, graph.input('x', 'float32', [2, 3, 112, 112])).shape).toEqual([2, 128]);
    const trained = net.specs.filter(({ role }) => role !== 'statistic');
    // Table 2 of the paper says 0.99 M: 0.996 M weights, gammas and betas, and 7,552 slopes.
    const slopes = trained.filter(({ role }) => role === 'slope');
    expect((countParameters(trained) - countParameters(slopes)) / 1e6).toBeCloseTo(0.996, 3);
    expect(countParameters(slopes)).toBe(7552);
    const x = uniform([2, 3, 32, 32], 3);
    const values = start(mobileFaceNet, x.shape);
    const { y } = await run('inference', mobileFaceNet, x, values);
    expect(y.dims).toEqual([2, 128]);
    expect(float32Data((await run('training', mobileFaceNet, x, values)).y).every(Number.isFinite)).toBe(true);
  });
});
