// Every margin with every kind of energy: the step can be built, runs, and reports each term; and the terms add up.
import { beforeAll, describe, expect, it } from 'vitest';
import { float32, float32Data, float32Scalar, int64, Session, type Tensor } from '../runtime/index.js';
import { Random } from '../common/random.js';
import { tinyRecipe, tinySize } from '../testing/tiny-faces.js';
import { componentsOf } from './extensions.js';
import { classifierName, startingValues } from './network.js';
import { buildStep, gradientName } from './step-graph.js';

const identities = 6;
const margins = [
  '{type: softmax}',
  '{type: normalised-softmax}',
  '{type: a-softmax, m: 1}',
  '{type: a-softmax, m: 3, gradient: caffe}',
  '{type: a-softmax, m: 4}',
  '{type: cosface}',
  '{type: arcface}',
  '{type: sphereface-r, version: v1}',
  '{type: sphereface-r, gradient: detached}',
  '{type: sphereface2}',
];
const energies = [
  'null',
  '{form: riesz, s: 2, weight: {type: auto, share: 0.25}}',
  '{form: riesz, s: 0, on: angle, space: half, pairs: all, weight: {type: constant, value: 3}}',
  '{form: riesz, s: 1, on: radians, pairs: batch, weight: {type: constant, value: 0.5}}',
  '{form: caffe, alpha: 1000}',
  '{form: caffe, type: mean, alpha: 2}',
];

const random = new Random(8);
let images: Tensor;
beforeAll(() => {
  const pixels = Float32Array.from({ length: 8 * 3 * tinySize * tinySize }, () => random.gaussian());
  images = float32(pixels, [8, 3, tinySize, tinySize]);
});

/** One step with fresh parameters: its measures, and the gradient on the classifier. */
async function step(...settings: string[]) {
  const recipe = tinyRecipe(...settings);
  const { model, specs, scalars, measures } = buildStep(recipe, identities);
  const values = startingValues(specs, recipe, componentsOf(recipe).margin);
  await using session = await Session.create(model, { threads: 1 });
  const feeds: Record<string, Tensor> = { images, labels: int64([0, 1, 2, 3, 4, 5, 0, 1]) };
  for (const { name, shape } of specs) {
    if (session.inputNames.includes(name)) feeds[name] = float32(values.get(name)!, shape);
  }
  for (const { name } of scalars) feeds[name] = float32Scalar(5);
  const outputs = await session.run(feeds);
  const numbers = Object.fromEntries(measures.map((name) => [name, float32Data(outputs[name])[0]]));
  return { numbers, gradient: float32Data(outputs[gradientName(classifierName)]) };
}

describe('step', () => {
  it.each(margins.flatMap((margin) => energies.map((energy) => [margin, energy])))(
    '%s with %s',
    async (margin, energy) => {
      const { numbers, gradient } = await step(`loss.margin=${margin}`, `loss.energy=${energy}`);
      expect(Object.values(numbers).every(Number.isFinite)).toBe(true);
      expect(gradient.every(Number.isFinite)).toBe(true);
      expect(numbers.loss).toBeCloseTo(numbers.classification + (numbers.energyTerm ?? 0), 4);
      if (energy === 'null') return;
      expect(numbers.energyGradient).toBeGreaterThan(0);
      if (energy.includes('auto')) {
        expect(numbers.energyGradient / numbers.classificationGradient).toBeCloseTo(0.25, 4);
      }
      // The energy changes the classifier's gradient by as much as it says.
      const alone = await step(`loss.margin=${margin}`);
      const difference = Math.hypot(...gradient.map((value, i) => value - alone.gradient[i]));
      expect(difference / numbers.energyGradient).toBeCloseTo(1, 2);
    },
  );

  it('adds the energy of the hidden filters', async () => {
    const hidden = await step('loss.hiddenEnergy={form: riesz, s: 2, space: half, weight: 0.5}');
    expect(hidden.numbers.hiddenEnergyTerm).toBeGreaterThan(0);
    expect(hidden.numbers.loss).toBeCloseTo(hidden.numbers.classification + hidden.numbers.hiddenEnergyTerm, 4);
  });
});
