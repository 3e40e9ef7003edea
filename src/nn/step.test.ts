// A whole training step of a small network: each device and its forms of the ops against the portable model on the CPU.
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import {
  add,
  Graph,
  gradients,
  logSoftmax,
  matmul,
  mean,
  neg,
  pickLabel,
  serialize,
  type Value,
} from '../graph/index.js';
import { type Device, float32, float32Data, int64, Session, type Tensor } from '../runtime/index.js';
import { expectClose } from '../testing/close.js';
import { webgpuTitle, webgpuWorks } from '../testing/devices.js';
import { fromTensor, toTensor, uniform } from '../testing/nd-array.js';
import { batchNorm, convolution, fullyConnected, parametricRelu } from './layers.js';
import { initialize, type NetworkBuilder, TrainingBuilder } from './parameters.js';
import { sfnet } from './backbones/sfnet.js';

type Network = (net: NetworkBuilder, images: Value) => Value;

const residual: Network = (net, x) =>
  sfnet(net, batchNorm(net, 'norm', x), { depth: 10, widths: [16, 16, 17, 18], embeddingSize: 8 });

/** One of every layer: each shader costs SwiftShader some hundred milliseconds. */
const smallest: Network = (net, x) => {
  const head = convolution(net, 'conv1', x, { out: 8, kernel: 3, stride: 2, padding: 1, bias: 'caffe' });
  const inner = convolution(net, 'conv2', batchNorm(net, 'norm', head), { out: 8, kernel: 3, padding: 1 });
  return fullyConnected(net, 'fc', add(head, parametricRelu(net, 'relu', inner)), { out: 8 });
};

/** Compares loss and gradients; `relative` is a share of the largest entry of each gradient. */
async function expectPortable(device: Device & ('cpu' | 'webgpu'), network: Network, relative: number): Promise<void> {
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  const images = graph.input('images', 'float32', [2, 3, 32, 24]);
  const features = network(net, images);
  const classifier = net.parameter({
    name: 'classifier',
    role: 'classifier',
    shape: [5, 8],
    filler: { type: 'xavier' },
  });
  const logits = matmul(features, classifier, { transposeB: true });
  const loss = neg(mean(pickLabel(logSoftmax(logits), graph.input('labels', 'int64', [2]))));
  const parameters = net.trained;
  const grads = gradients(
    loss,
    parameters.map(({ name }) => net.values.get(name)!),
  );
  const outputs = { loss, ...Object.fromEntries(parameters.map(({ name }, i) => [`gradient:${name}`, grads[i]])) };
  const values = initialize(net.specs, new Random(1));
  const feeds = {
    images: toTensor(uniform(images.shape, 1)),
    labels: int64([3, 0]),
    ...Object.fromEntries(parameters.map(({ name, shape }) => [name, float32(values.get(name)!, shape)])),
  };
  const step = async (on: typeof device, form: 'portable' | typeof device): Promise<Record<string, Tensor>> => {
    const model = serialize(graph, { outputs, target: { device: form } });
    await using session = await Session.create(model, { device: on, threads: 1 });
    return await session.run(feeds);
  };
  const [actual, expected] = [await step(device, device), await step('cpu', 'portable')];
  for (const name of Object.keys(outputs)) {
    expect(
      float32Data(expected[name]).some((value) => value !== 0),
      `${name}: all zeros`,
    ).toBe(true);
    expectClose(fromTensor(actual[name]), fromTensor(expected[name]), { relative, absolute: 0 }, name);
  }
}

describe('a training step of a small network', () => {
  it('on the CPU in its own forms', () => expectPortable('cpu', residual, 1e-4));
  it.skipIf(!webgpuWorks)(webgpuTitle, () => expectPortable('webgpu', smallest, 1e-3));
});
