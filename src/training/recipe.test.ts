// Recipes: the published numbers, changed settings, files in YAML and JSON, and every wrong field by name.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { loadRecipe } from './recipe-file.js';
import { parseRecipe } from './recipe.js';
import { builtInRecipe, builtInRecipes } from './recipes.js';

describe('recipes', () => {
  it('has the published ones, small ones, and one for networks from elsewhere; resolving again changes nothing', () => {
    const published = ['sphereface', 'sphereface-plus'].flatMap((system) =>
      [1, 2, 3, 4].flatMap((m) => [`${system}-m${m}`, `${system}-m${m}-small`]),
    );
    expect([...builtInRecipes.keys()].sort()).toEqual(['cosface-small', 'fine-tune', ...published].sort());
    for (const recipe of builtInRecipes.values())
      expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  });

  it('states the published numbers', () => {
    const plus = builtInRecipe('sphereface-plus-m4');
    expect(plus.solver).toMatchObject({
      batchSize: 256,
      iterSize: 2,
      iterations: 8000,
      baseLearningRate: 0.01,
      momentum: 0.9,
      weightDecay: 5e-4,
      schedule: { type: 'multistep', steps: [4000, 6000], gamma: 0.1 },
    });
    expect(plus.loss.energy).toMatchObject({ form: 'caffe', type: 'among', alpha: 10 });
    expect(plus.loss.margin).toMatchObject({ m: 4, lambda: { base: 1000, gamma: 0.12, minimum: 5, start: 2000 } });
    expect(builtInRecipe('sphereface-m2').solver).toMatchObject({
      iterations: 28000,
      schedule: { steps: [16000, 24000], gamma: 0.1 },
    });
    expect(builtInRecipe('sphereface-plus-m1').solver.schedule).toEqual({
      type: 'multistep',
      steps: [7000, 11000],
      gamma: 0.2,
    });
  });

  it('names every wrong field', () => {
    const wrong = { solver: { batchSize: 0, momentun: 0.9 }, loss: { margin: { type: 'a-softmax', m: 5 } } };
    expect(() => parseRecipe(wrong)).toThrow(UsageError);
    expect(() => parseRecipe(wrong)).toThrow(/solver\.batchSize.*momentun.*loss\.margin\.m|loss\.margin\.m/s);
    expect(() => parseRecipe({ network: { widths: [1] } })).toThrow(/network\.widths/);
    expect(() => builtInRecipe('nothing')).toThrow(/sphereface-m1/);
  });
});

describe('recipe files and settings', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipe-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('changes single values, lists, list items and whole parts', async () => {
    const recipe = await loadRecipe('sphereface-m4', [
      'solver.baseLearningRate=0.05',
      'network.widths.2=7',
      'data.sampler=balanced',
      'loss.energy={form: riesz, s: 1}',
      'loss.energy.weight={type: auto, share: 0.3}',
      'solver.schedule={type: cosine}',
      'solver.clipNorm=5',
    ]);
    expect(recipe.solver.baseLearningRate).toBe(0.05);
    expect(recipe.network.widths).toEqual([64, 128, 7, 512]);
    expect(recipe.data.sampler).toBe('balanced');
    expect(recipe.loss.energy).toMatchObject({ form: 'riesz', s: 1, weight: { type: 'auto', share: 0.3 } });
    expect(recipe.solver.schedule).toEqual({ type: 'cosine', final: 0 });
    expect((await loadRecipe('sphereface-plus-m4', ['loss.energy=null'])).loss.energy).toBeNull();
  });

  it('replaces what belongs to another type when the type changes, and only then', async () => {
    const mobile = await loadRecipe('sphereface-m4-small', ['network.type=mobilefacenet', 'loss.margin.type=cosface']);
    expect(mobile.network).toEqual({ type: 'mobilefacenet', embeddingSize: 128, statisticsMomentum: 0.1 });
    expect(mobile.loss.margin).toEqual({ type: 'cosface', scale: 30, margin: 0.35 });
    // An energy is told apart by its form; its type is an option like others.
    const mean = { form: 'caffe', type: 'mean', alpha: 10, normalise: true };
    expect((await loadRecipe('sphereface-plus-m4', ['loss.energy.type=mean'])).loss.energy).toEqual(mean);
    expect((await loadRecipe('sphereface-plus-m4', ['loss.energy={type: mean}'])).loss.energy).toEqual(mean);
    const same = await loadRecipe('sphereface-m4-small', ['network.type=sfnet']);
    expect(same.network).toMatchObject({ depth: 10, fillerGain: 2 });
  });

  it.each(['solver.baseLearningRate', '=3', 'network.widths.9=1', 'solver.batchSize=[', 'solver.batchsize=3'])(
    'refuses the setting %s',
    async (setting) => {
      await expect(loadRecipe('sphereface-m4', [setting])).rejects.toThrow(UsageError);
    },
  );

  it('reads YAML and JSON, on top of a built-in recipe if told', async () => {
    const yaml = join(folder, 'mine.yaml');
    await writeFile(yaml, 'extends: sphereface-m2\nname: mine\nloss:\n  margin: {type: cosface, margin: 0.2}\n');
    const recipe = await loadRecipe(yaml, ['seed=9']);
    expect(recipe).toMatchObject({ name: 'mine', seed: 9, solver: { iterSize: 2 } });
    expect(recipe.loss.margin).toEqual({ type: 'cosface', scale: 30, margin: 0.2 });
    const json = join(folder, 'mine.json');
    await writeFile(json, JSON.stringify(recipe));
    expect(await loadRecipe(json)).toEqual(recipe);
    await writeFile(json, '[]');
    await expect(loadRecipe(json)).rejects.toThrow(UsageError);
    await expect(loadRecipe(join(folder, 'absent.json'))).rejects.toThrow(/cannot be read/);
  });
});
