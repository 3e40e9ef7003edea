// Training with parameters and momentum on the device, against the same training on the CPU and against itself.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../common/errors.js';
import { localGroup } from '../../distributed/index.js';
import { openImageSource } from '../../images/index.js';
import { traffic } from '../../runtime/index.js';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';
import { extensions } from '../../testing/extensions/index.js';
import { tinyRecipe, tinySize, writeTinyFaces } from '../../testing/tiny-faces.js';
import { keptCheckpoint, losses } from '../../testing/trainers.js';
import { datasetOf } from '../dataset.js';
import type { Dataset } from '../labelled-images.js';
import { TrainingAnomaly } from '../guard.js';
import { parseRecipe, type Recipe } from '../recipe.js';
import { Trainer, type TrainerOptions } from '../trainer.js';

let folder: string;
let dataset: Dataset;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'device-'));
  await writeTinyFaces(folder);
  dataset = datasetOf(await openImageSource(folder));
});
afterAll(async () => {
  await dataset.source.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** Everything that a step can have: several passes, running statistics, all variations, an energy that measures its weight, clipping. */
function recipeOf(solver: Partial<Recipe['solver']> = {}): Recipe {
  const base = tinyRecipe();
  return parseRecipe(
    {
      ...base,
      network: { type: 'pointwise', statisticsMomentum: 0.25 },
      loss: { ...base.loss, energy: { form: 'riesz', s: 2, weight: { type: 'auto', share: 0.25 } } },
      solver: { ...base.solver, iterSize: 3, clipNorm: 0.5, backboneRate: 0.5, ...solver },
      data: { ...base.data, shift: 2, light: 0.3 },
    },
    { extensions },
  );
}

const trainerOf = (recipe: Recipe, options: TrainerOptions) =>
  Trainer.create(recipe, dataset, { threads: 1, extensions, ...options });

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  let first: Trainer;
  beforeAll(async () => {
    // As long as one session is there, the shaders that were compiled for it, in seconds, serve all.
    first = await trainerOf(recipeOf(), { device: 'webgpu' });
  });
  afterAll(() => first.dispose());

  it('has the losses of the CPU for 20 steps, and goes on from a checkpoint to the same bits', async () => {
    await using onCpu = await trainerOf(recipeOf(), { device: 'cpu' });
    expect(first.device).toContain('where parameters and momentum stay');
    const expected = await losses(onCpu, 20);
    const taken = await losses(first, 17);
    const between = await keptCheckpoint(first);
    taken.push(...(await losses(first, 3)));
    for (const [i, loss] of taken.entries()) expect(Math.abs(loss / expected[i] - 1), `step ${i}`).toBeLessThan(1e-4);
    const [line, lineOfCpu] = [await first.logLine(), await onCpu.logLine()];
    expect(line.gradientNorms.total / lineOfCpu.gradientNorms.total).toBeCloseTo(1, 4);
    expect(line.minimumAngle / lineOfCpu.minimumAngle).toBeCloseTo(1, 3);
    // The classifier's rows lie on the sphere, momentum and statistics are near the CPU's.
    const [end, endOfCpu] = [await keptCheckpoint(first), await keptCheckpoint(onCpu)];
    for (const part of ['parameters', 'momentum'] as const) {
      for (const [name, { data }] of endOfCpu[part]) {
        const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const off = end[part].get(name)!.data.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i])), 0);
        expect(off, `${part}: ${name}`).toBeLessThanOrEqual(1e-3 * largest);
      }
    }

    await using second = await trainerOf(recipeOf(), { device: 'webgpu' });
    await second.restore(between);
    expect(await losses(second, 3)).toEqual(taken.slice(17));
    const resumed = await keptCheckpoint(second);
    expect(resumed.parameters).toEqual(end.parameters);
    expect(resumed.momentum).toEqual(end.momentum);
    expect(resumed.state).toEqual(end.state);
  });

  it('keeps the state before a step that the guard refuses', async () => {
    await using trainer = await trainerOf(recipeOf({ baseLearningRate: 1e12, clipNorm: null }), { device: 'webgpu' });
    let before = await keptCheckpoint(trainer);
    const untilRefused = async () => {
      for (;;) {
        before = await keptCheckpoint(trainer);
        await trainer.step();
      }
    };
    await expect(untilRefused()).rejects.toThrow(TrainingAnomaly);
    expect(before.state.iteration).toBeGreaterThan(0);
    const after = await keptCheckpoint(trainer);
    expect(after.parameters).toEqual(before.parameters);
    expect(after.momentum).toEqual(before.momentum);
  });

  it('carries pixels, labels and under 1 KB more to the device in a step, and under 1 KB back', async () => {
    await first.step();
    const { batchSize, iterSize } = first.recipe.solver;
    const before = traffic();
    await first.step();
    const after = traffic();
    const images = batchSize * iterSize * (tinySize * tinySize * 3 + 4);
    expect(after.toDevice - before.toDevice).toBeGreaterThanOrEqual(images);
    expect(after.toDevice - before.toDevice).toBeLessThan(images + 1024);
    expect(after.fromDevice - before.fromDevice).toBeLessThan(1024);
  });

  it('is left to those who ask for it', async () => {
    await using trainer = await trainerOf(recipeOf(), { device: 'webgpu', state: 'host' });
    expect(trainer.device).not.toContain('stay');
  });
});

describe('without a device that keeps tensors', () => {
  it('refuses to keep parameters there, and says why', async () => {
    const onDevice = { state: 'device' } as const;
    await expect(trainerOf(recipeOf(), onDevice)).rejects.toThrow(UsageError);
    await expect(trainerOf(recipeOf(), onDevice)).rejects.toThrow(/got: the device "cpu"/);
    const [communicator] = localGroup(2);
    const ranks = trainerOf(recipeOf(), { ...onDevice, device: 'webgpu', communicator });
    await expect(ranks).rejects.toThrow(/got: 2 processes/);
  });
});
