// The loss of a classifier of many rows on a GPU, against the CPU: its softmax, the picking of a label's logit, and the gradients, which
// are sums over all rows, and products with a matrix of zeros and ones.
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { float32, float32Data, Session, Tensor } from '../../runtime/index.js';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';
import {
  gather,
  Graph,
  gradients,
  logSoftmax,
  matmul,
  mean,
  mul,
  neg,
  pickLabel,
  reshape,
  serialize,
} from '../index.js';

const samples = 2;
const size = 16;

async function outputsOn(device: 'cpu' | 'webgpu', classes: number): Promise<Record<string, Float32Array>> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [samples, size]);
  const w = graph.input('w', 'float32', [classes, size]);
  const labels = graph.input('labels', 'int32', [samples]);
  const logits = matmul(x, w, { transposeB: true });
  const loss = neg(mean(pickLabel(logSoftmax(logits, 1), labels)));
  // The rows of the batch's own identities, which energies take.
  const own = mean(mul(gather(w, labels), x));
  const [dx, dw] = gradients(loss, [x, w]);
  const [scattered] = gradients(own, [w]);
  const outputs = { loss: reshape(loss, [1]), own: reshape(own, [1]), dx, dw, scattered };
  const random = new Random(3);
  const uniform = (length: number) => Float32Array.from({ length }, () => random.between(-1, 1));
  await using session = await Session.create(serialize(graph, { outputs, target: { device } }), { device });
  const results = await session.run({
    x: float32(uniform(samples * size), [samples, size]),
    w: float32(uniform(classes * size), [classes, size]),
    labels: new Tensor('int32', Int32Array.of(3, classes - 1), [samples]),
  });
  return Object.fromEntries(Object.keys(outputs).map((name) => [name, float32Data(results[name])]));
}

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  // A device adds up tens of thousands of numbers one after the other: some hundred roundings of 6e-8.
  it.each([10572, 30_000])('%i classes have the loss and the gradients of the CPU', async (classes) => {
    const [expected, given] = [await outputsOn('cpu', classes), await outputsOn('webgpu', classes)];
    expect(expected.loss[0]).toBeGreaterThan(5);
    for (const [name, values] of Object.entries(expected)) {
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const off = values.reduce((most, value, i) => Math.max(most, Math.abs(value - given[name][i])), 0);
      expect(largest, name).toBeGreaterThan(0);
      expect(off / largest, name).toBeLessThan(1e-4);
    }
  });
});
