// Several ranks train what one process trains: the same losses and parameters, however a step is divided. The ranks here are trainers in one
// process; mpi.test.ts has them as processes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Communicator, localGroup, oneProcess } from '../distributed/index.js';
import { openImageSource } from '../images/index.js';
import { largestDifference } from '../testing/close.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { datasetOf } from './dataset.js';
import type { Dataset } from './labelled-images.js';
import type { Recipe } from './recipe.js';
import { shareOf } from './step-share.js';
import { Trainer } from './trainer.js';

let folder: string;
let dataset: Dataset;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ranks-'));
  await writeTinyFaces(folder);
  dataset = datasetOf(await openImageSource(folder));
});
afterAll(async () => {
  await dataset.source.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** What one rank has after so many steps. */
async function trained(recipe: Recipe, communicator: Communicator, steps = 20) {
  await using trainer = await Trainer.create(recipe, dataset, { threads: 1, communicator });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await trainer.step());
  const line = await trainer.logLine();
  return {
    losses,
    values: new Map([...(await trainer.state()).values].map(([name, data]) => [name, data.slice()])),
    line,
  };
}

const recipes: Readonly<Record<string, readonly string[]>> = {
  'the images of one pass': [],
  'images, with an energy whose weight is measured': [
    'loss.energy={form: riesz, weight: {type: auto, share: 0.2}, pairs: batch}',
  ],
  'images of several passes, with the released energy and clipping': [
    'loss.energy={form: caffe, alpha: 10}',
    'solver={iterSize: 3, clipNorm: 1}',
  ],
  'passes, with an energy whose weight is measured': [
    'loss.energy={form: riesz, weight: {type: auto, share: 0.2}}',
    'solver.iterSize=4',
    'data={sampler: balanced, shift: 1, light: 0.2}',
  ],
  'filters of hidden layers': ['loss.hiddenEnergy={form: riesz, s: 1, weight: 0.1}'],
};

describe.each(Object.entries(recipes))('divided by %s', (_, settings) => {
  const recipe = () => tinyRecipe(...settings);

  it.each([2, 4])('%i ranks end where one process does', async (size) => {
    const alone = await trained(recipe(), oneProcess);
    const ranks = await Promise.all(localGroup(size).map((communicator) => trained(recipe(), communicator)));
    for (const { losses, values, line } of ranks) {
      // Only the order in which float32 is added up differs: 1e-5 after 20 steps.
      expect(largestDifference(alone.losses, losses)).toBeLessThan(1e-5);
      for (const [name, data] of alone.values)
        expect(largestDifference(data, values.get(name)!), name).toBeLessThan(1e-5);
      expect(line.loss).toBeCloseTo(alone.line.loss, 4);
      expect(line.accuracy).toBeCloseTo(alone.line.accuracy, 6);
      expect(line.energyWeight ?? 0).toBeCloseTo(alone.line.energyWeight ?? 0, 3);
      expect(line.gradientNorms.total).toBeCloseTo(alone.line.gradientNorms.total, 3);
      expect(line.rankSeconds).toHaveLength(size);
      // The same bits everywhere: the ranks could not drift apart.
      for (const [name, data] of ranks[0].values) expect(values.get(name), name).toEqual(data);
      expect(losses).toEqual(ranks[0].losses);
    }
  });
});

it('ends in the same bits when the ranks are as many again', async () => {
  const recipe = tinyRecipe('loss.energy={form: riesz, weight: {type: auto, share: 0.2}}');
  const [first, second] = await Promise.all(
    [1, 2].map(() => Promise.all(localGroup(2).map((c) => trained(recipe, c)))),
  );
  expect(second[0].values).toEqual(first[0].values);
  expect(second[0].losses).toEqual(first[0].losses);
});

it('refuses a step that cannot be divided, and says what can', () => {
  const solver = { batchSize: 64, iterSize: 2 };
  expect(() => shareOf(solver, { rank: 0, size: 3 })).toThrow(
    /got: 3 ranks, for 2 × 64 images[\s\S]*divides solver.iterSize or solver.batchSize[\s\S]*solver.batchSize=66/,
  );
});
