// One training step of SphereFace-20 with A-Softmax against PyTorch in float32: tools/torch-step-golden.py made the golden file.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Graph, gradients, serialize, type Target } from '../graph/index.js';
import { aSoftmax } from '../losses/margins/a-softmax.js';
import { type ParameterSpec, sfnet, TrainingBuilder } from '../nn/index.js';
import { float32, float32Data, float32Scalar, int64, Session, type Tensor } from '../runtime/index.js';
import { hashed, hashedUniform } from '../testing/hashed.js';

interface Golden {
  readonly batch: number;
  readonly classes: number;
  readonly labels: readonly number[];
  readonly m: 4;
  readonly lambda: number;
  readonly seeds: { readonly images: number; readonly signs: number; readonly entries: number };
  readonly loss: number;
  readonly gradients: Readonly<
    Record<
      string,
      {
        readonly shape: readonly number[];
        readonly norm: number;
        readonly projections: readonly number[];
        readonly entries: readonly number[];
      }
    >
  >;
}
const golden = JSON.parse(readFileSync(new URL('./torch-step.golden.json', import.meta.url), 'utf8')) as Golden;

/** As in the script: parameter i of the trained ones has sequence i + 1, and every kind gets values that matter. */
function startValues({ role, shape, filler }: ParameterSpec, seed: number): Float32Array {
  const count = shape.reduce((a, b) => a * b, 1);
  if (role === 'bias') return hashedUniform(count, seed, 0, 0.05);
  if (role === 'slope') return hashedUniform(count, seed, 0.25, 0.15);
  const spread = filler.type === 'gaussian' ? filler.std * Math.sqrt(3) : Math.sqrt(3 / (count / shape[0]));
  return hashedUniform(count, seed, 0, spread);
}

async function step(target: Target): Promise<{ specs: readonly ParameterSpec[]; results: Record<string, Tensor> }> {
  const { batch, classes, labels, m } = golden;
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  const images = graph.input('images', 'float32', [batch, 3, 112, 96]);
  const features = sfnet(net, images, { depth: 20 });
  const classifier = net.parameter({
    name: 'classifier.weight',
    role: 'classifier',
    shape: [classes, features.shape[1]],
    filler: { type: 'xavier' },
  });
  const inputs = { features, classifier, labels: graph.input('labels', 'int64', [batch]) };
  const asked = { scalars: { lambda: graph.input('lambda', 'float32', []) }, parameters: {} };
  const options = aSoftmax.schema.parse({ type: 'a-softmax', m, gradient: 'exact' });
  const { loss } = aSoftmax.build({ ...inputs, ...asked }, options);
  const specs = net.trained;
  const grads = gradients(
    loss,
    specs.map(({ name }) => net.values.get(name)!),
  );
  const outputs = { loss, ...Object.fromEntries(specs.map(({ name }, i) => [`gradient:${name}`, grads[i]])) };
  const feeds: Record<string, Tensor> = {
    images: float32(hashedUniform(images.size, golden.seeds.images, 0, 1), images.shape),
    labels: int64(labels),
    lambda: float32Scalar(golden.lambda),
  };
  specs.forEach((spec, i) => (feeds[spec.name] = float32(startValues(spec, i + 1), spec.shape)));
  await using session = await Session.create(serialize(graph, { outputs, target }), { device: 'cpu' });
  return { specs, results: await session.run(feeds) };
}

/** `Σ ±g` for the signs of each projection: bit p of one hash per element, set: minus. */
function project(gradient: Float32Array, count: number): number[] {
  const sums = new Array<number>(count).fill(0);
  for (let i = 0; i < gradient.length; i++) {
    const bits = hashed(i, golden.seeds.signs);
    for (let p = 0; p < count; p++) sums[p] += (bits >>> p) & 1 ? -gradient[i] : gradient[i];
  }
  return sums;
}

describe.each([{ device: 'portable' }, { device: 'cpu' }] as const)(
  'a SphereFace-20 step emitted for $device',
  (target) => {
    it('has the loss within 1e-5 and every gradient within 1e-3 of its norm of PyTorch', async () => {
      const { specs, results } = await step(target);
      expect(Math.abs(float32Data(results.loss)[0] / golden.loss - 1)).toBeLessThan(1e-5);
      expect(specs.map(({ name }) => name)).toEqual(Object.keys(golden.gradients));
      const far = specs.flatMap(({ name }) => {
        const gradient = float32Data(results[`gradient:${name}`]);
        const { norm, projections, entries, shape } = golden.gradients[name];
        expect(results[`gradient:${name}`].dims, name).toEqual(shape);
        // With random signs the mean of (Σ ± (g − g_ref))² is |g − g_ref|² (relative spread sqrt(2 / 16)). Half the bound is demanded of the
        // estimate: a difference above 1e-3 |g_ref| would pass with probability P(χ²₁₆ < 4) = 0.0006.
        const actual = project(gradient, projections.length);
        const difference = Math.sqrt(
          projections.reduce((total, value, p) => total + (actual[p] - value) ** 2, 0) / projections.length,
        );
        const worstEntry = entries.reduce((most, value, i) => {
          const at = hashed(i, golden.seeds.entries) % gradient.length;
          return Math.max(most, Math.abs(gradient[at] - value));
        }, 0);
        // NaN fails: it is not below the bound.
        return difference < 0.5e-3 * norm && worstEntry < 1e-3 * norm ? [] : [{ name, difference: difference / norm }];
      });
      expect(far).toEqual([]);
    });
  },
);
