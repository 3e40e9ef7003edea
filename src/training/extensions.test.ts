// A margin, an energy and a backbone of a user's own: named by a recipe, trained, logged, resumed, exported, without a change elsewhere.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flatten } from '../graph/index.js';
import { openImageSource } from '../images/index.js';
import { openModel } from '../models/index.js';
import type { BackboneDescriptor } from '../nn/index.js';
import { extensions } from '../testing/extensions/index.js';
import { pointwise } from '../testing/extensions/pointwise.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { CheckpointStore } from './checkpoint.js';
import { datasetOf } from './dataset.js';
import { parseRecipe, type Recipe } from './recipe.js';
import { resumeRun, startRun } from './run.js';
import { buildStep } from './step-graph.js';
import { Trainer } from './trainer.js';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'extensions-'));
  data = join(folder, 'faces');
  await writeTinyFaces(data);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const threads = 1;

/** The tiny recipe with all three, as a recipe file would name them. */
function recipeOf(solver: object = {}): Recipe {
  const base = tinyRecipe();
  return parseRecipe(
    {
      ...base,
      network: { type: 'pointwise', channels: 5 },
      loss: { margin: { type: 'rising' }, energy: { form: 'orthogonality', weight: { type: 'auto', share: 0.2 } } },
      solver: { ...base.solver, ...solver },
    },
    { extensions },
  );
}

/** The picture itself as the embedding, whatever its options say. */
function flatBackbone(embeddingSize: number) {
  const schema = z.strictObject({
    type: z.literal('flat'),
    embeddingSize: z.literal(embeddingSize).default(embeddingSize),
  });
  return {
    type: 'flat',
    summary: 'no network',
    schema,
    build: (_net, images) => flatten(images),
  } satisfies BackboneDescriptor<typeof schema>;
}

describe('descriptors of your own', () => {
  it('are what a recipe may name, with their defaults; without them it may not', () => {
    const recipe = recipeOf();
    expect(recipe.network).toEqual({ type: 'pointwise', embeddingSize: 6, channels: 5, statisticsMomentum: 0.1 });
    expect(recipe.loss.margin).toEqual({ type: 'rising', scale: 16, margin: 0.2, steps: 20 });
    expect(() => parseRecipe(recipe)).toThrow(/network\.type.*loss\.margin\.type.*loss\.energy\.form/s);
    expect(() => buildStep(recipe, 6)).toThrow(/no margin "rising"[\s\S]*a-softmax/);
  });

  it('train, log and resume to the same bits, and the model has what was trained', async () => {
    const recipe = recipeOf({ iterations: 60 });
    const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
    await startRun({ data, recipe, folder: whole, threads, extensions });
    const stop = new AbortController();
    const onStep = (iteration: number) => {
      if (iteration === 31) stop.abort();
    };
    await startRun({ data, recipe, folder: broken, threads, extensions, signal: stop.signal, onStep });
    await expect(resumeRun(broken, { threads })).rejects.toThrow(/recipe\.json is not valid[\s\S]*extensions/);
    await resumeRun(broken, { threads, extensions });
    for (const file of [
      'model.onnx',
      ...['parameters', 'momentum'].map((name) => `checkpoints/60/${name}.safetensors`),
    ]) {
      expect((await readFile(join(broken, file))).equals(await readFile(join(whole, file))), file).toBe(true);
    }
    const text = await readFile(join(whole, 'log.jsonl'), 'utf8');
    const log = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>);
    const last = log.at(-1)!;
    expect(last.loss).toBeLessThan(0.8 * log[0].loss);
    expect(last.accuracy).toBeGreaterThan(0.9);
    expect(log[0].margin).toBeCloseTo(0.05, 9);
    expect(last.margin).toBeCloseTo(0.2, 9);
    expect(last.lambda).toBeNull();
    expect(last.energy).toBeGreaterThan(0);
    const { parameters } = (await new CheckpointStore(join(whole, 'checkpoints'), 2).latest())!;
    expect(parameters.get('fc6.scale')!.data[0]).not.toBe(16);
    await using model = await openModel(join(whole, 'model.onnx'), { threads });
    expect(model.embeddingSize).toBe(6);
  });

  it('read parameters under the names that they had before', async () => {
    const recipe = recipeOf();
    const source = await openImageSource(data);
    const create = () => Trainer.create(recipe, datasetOf(source), { threads, extensions });
    await using first = await create();
    await first.step();
    const now = await first.checkpoint();
    const before = <T>(tensors: ReadonlyMap<string, T>) =>
      new Map([...tensors].map(([name, value]) => [name.replace('embedding.', 'out.'), value]));
    await using second = await create();
    await second.restore({ ...now, parameters: before(now.parameters), momentum: before(now.momentum) });
    expect((await second.state()).values.get('embedding.weight')).toEqual(
      (await first.state()).values.get('embedding.weight'),
    );
    await source.dispose();
  });

  it('are taken by the energy of hidden filters where they have convolutions, and refused by it where not', () => {
    const hidden = { hiddenEnergy: { form: 'riesz', weight: 0.5 } };
    const of = (network: object) => parseRecipe({ ...tinyRecipe(), network, loss: hidden }, { extensions });
    expect(buildStep(of({ type: 'pointwise' }), 6, { extensions }).measures).toContain('hiddenEnergyTerm');
    expect(buildStep(of({ type: 'mobilefacenet' }), 6).measures).toContain('hiddenEnergyTerm');
    const recipe = { ...of({ type: 'pointwise' }), network: { type: 'flat', embeddingSize: 768 } };
    const flat = flatBackbone(768);
    expect(() => buildStep(recipe, 6, { extensions: { backbones: [flat] } })).toThrow(/no convolutions/);
  });

  it('are refused where they contradict themselves or each other', () => {
    const with_ = (backbone: BackboneDescriptor) => parseRecipe({}, { extensions: { backbones: [backbone] } });
    expect(() => with_({ ...pointwise, type: 'sfnet' })).toThrow(/two descriptors of the backbone "sfnet"/);
    expect(() => with_({ ...pointwise, type: 'other' })).toThrow(/"other" does not take its type/);
    const flat = flatBackbone(9);
    const own = { backbones: [flat] };
    const recipe = parseRecipe({ ...tinyRecipe(), network: { type: 'flat' } }, { extensions: own });
    expect(() => buildStep(recipe, 6, { extensions: own })).toThrow(/got: \[8, 768\][\s\S]*expected: \[8, 9\]/);
  });
});
