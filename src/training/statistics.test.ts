// Running statistics of batch normalisation, kept through training: against float64 by hand, in the checkpoint and in the exported model.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImageSource } from '../images/index.js';
import { encodeMetadata, openModel } from '../models/index.js';
import { dataOf } from '../models/safetensors.js';
import { extensions } from '../testing/extensions/index.js';
import { tinyRecipe, tinySize, writeTinyFaces } from '../testing/tiny-faces.js';
import { datasetOf } from './dataset.js';
import { TrainingAnomaly } from './guard.js';
import { embeddingModel } from './network.js';
import { parseRecipe, type Recipe } from './recipe.js';
import { Trainer } from './trainer.js';

const pixels = tinySize * tinySize;
const images = 48;
const epsilon = 1e-5;

let folder: string;
let pictures: Uint8Array[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statistics-'));
  await writeTinyFaces(join(folder, 'faces'));
  const files = (await readdir(join(folder, 'faces'), { recursive: true }))
    .filter((name) => name.endsWith('.png'))
    .sort();
  pictures = await Promise.all(
    files.map((file) =>
      sharp(join(folder, 'faces', file))
        .removeAlpha()
        .raw()
        .toBuffer(),
    ),
  );
  expect(pictures).toHaveLength(images);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Every pass sees all images, unmirrored: what a pass makes of the statistics depends on the parameters alone. */
function recipeOf(iterSize: number): Recipe {
  const base = tinyRecipe();
  const solver = { ...base.solver, batchSize: images, iterSize };
  const network = { type: 'pointwise', statisticsMomentum: 0.25 };
  return parseRecipe({ ...base, network, solver, data: { mirror: 0 } }, { extensions });
}

/** The convolution's output in float64: [image][channel][pixel], for pictures read as (x − 127.5) / 128 in the order BGR. */
function convolved(weight: Float32Array): Float64Array[][] {
  const channels = weight.length / 3;
  return pictures.map((picture) =>
    Array.from({ length: channels }, (_, out) =>
      Float64Array.from({ length: pixels }, (_, at) =>
        [0, 1, 2].reduce((sum, c) => sum + weight[out * 3 + c] * ((picture[at * 3 + 2 - c] - 127.5) / 128), 0),
      ),
    ),
  );
}

/** Mean and unbiased variance of each channel over all images. */
function statisticsOf(maps: Float64Array[][]): { mean: number; variance: number }[] {
  return maps[0].map((_, channel) => {
    const values = maps.flatMap((image) => [...image[channel]]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return { mean, variance };
  });
}

/** Trains some steps; beside it the statistics in float64, moved `passes` times a step. */
async function train(iterSize: number, passes: number, steps = 8) {
  const source = await openImageSource(join(folder, 'faces'));
  const recipe = recipeOf(iterSize);
  await using trainer = await Trainer.create(recipe, datasetOf(source), { threads: 1, extensions });
  let expected = Array.from({ length: 4 }, () => ({ mean: 0, variance: 1 }));
  for (let step = 0; step < steps; step++) {
    const batch = statisticsOf(convolved(dataOf((await trainer.state()).valueTensors()).get('mix.weight')!));
    for (let pass = 0; pass < passes; pass++) {
      expected = expected.map(({ mean, variance }, channel) => ({
        mean: 0.75 * mean + 0.25 * batch[channel].mean,
        variance: 0.75 * variance + 0.25 * batch[channel].variance,
      }));
    }
    await trainer.step();
  }
  await source.dispose();
  const values = new Map(
    [...dataOf((await trainer.state()).valueTensors())].map(([name, data]) => [name, data.slice()]),
  );
  return { recipe, values, expected };
}

const worst = (got: ArrayLike<number>, expected: readonly number[]) =>
  Math.max(...expected.map((value, i) => Math.abs(got[i] - value)));

describe('running statistics', () => {
  it.each([1, 2])('move with every pass, %i to a step', async (passes) => {
    const { values, expected } = await train(passes, passes);
    expect(
      worst(
        values.get('mix.norm.mean')!,
        expected.map(({ mean }) => mean),
      ),
    ).toBeLessThan(1e-5);
    expect(
      worst(
        values.get('mix.norm.variance')!,
        expected.map(({ variance }) => variance),
      ),
    ).toBeLessThan(1e-5);
  });

  it('are in the exported model, which is the evaluation-mode network', async () => {
    const { recipe, values, expected } = await train(1, 1);
    const size = 6;
    const value = (name: string) => values.get(name)!;
    const embeddings = convolved(value('mix.weight')).flatMap((maps) => {
      const normal = maps.flatMap((map, channel) => {
        const { mean, variance } = expected[channel];
        const factor = value('mix.norm.gamma')[channel] / Math.sqrt(variance + epsilon);
        return [...map].map((x) => (x - mean) * factor + value('mix.norm.beta')[channel]);
      });
      const row = (k: number) => value('embedding.weight').subarray(k * normal.length, (k + 1) * normal.length);
      return Array.from({ length: size }, (_, k) =>
        row(k).reduce((sum, w, i) => sum + w * normal[i], value('embedding.bias')[k]),
      );
    });
    const embed = async (parameters: ReadonlyMap<string, Float32Array>) => {
      const path = join(folder, 'model.onnx');
      const metadata = encodeMetadata({ input: recipe.input, embeddingSize: size, recipe: JSON.stringify(recipe) });
      await writeFile(path, embeddingModel(recipe, parameters, metadata, extensions));
      await using model = await openModel(path, { threads: 1 });
      return await model.embed(pictures.map((data) => ({ width: tinySize, height: tinySize, data })));
    };
    const scale = Math.max(...embeddings.map(Math.abs));
    expect(worst(await embed(values), embeddings) / scale).toBeLessThan(1e-5);
    // What a network that had kept no statistics would give is another thing.
    const forgotten = new Map([
      ...values,
      ['mix.norm.mean', new Float32Array(4)],
      ['mix.norm.variance', new Float32Array(4).fill(1)],
    ]);
    expect(worst(await embed(forgotten), embeddings) / scale).toBeGreaterThan(0.1);
  });
});

describe('a step that the guard refuses', () => {
  it('leaves parameters and statistics as they were', async () => {
    const source = await openImageSource(join(folder, 'faces'));
    const recipe = recipeOf(2);
    const wild = { ...recipe, solver: { ...recipe.solver, baseLearningRate: 1e12 } };
    await using trainer = await Trainer.create(wild, datasetOf(source), { threads: 1, extensions });
    const copy = async () => new Map([...(await trainer.state()).values].map(([name, data]) => [name, data.slice()]));
    let before = await copy();
    const untilRefused = async () => {
      for (;;) {
        before = await copy();
        await trainer.step();
      }
    };
    await expect(untilRefused()).rejects.toThrow(TrainingAnomaly);
    expect(trainer.done).toBeGreaterThan(0);
    expect(await copy()).toEqual(before);
    await source.dispose();
  });
});

describe('MobileFaceNet', () => {
  it('trains on the CPU: the loss falls, and the exported model tells the identities apart', async () => {
    const source = await openImageSource(join(folder, 'faces'));
    const recipe = tinyRecipe(
      'network={type: mobilefacenet, embeddingSize: 32, statisticsMomentum: 0.2}',
      'solver.batchSize=24',
      'loss.margin={type: normalised-softmax, scale: 16}',
    );
    await using trainer = await Trainer.create(recipe, datasetOf(source), { threads: 1 });
    const losses: number[] = [];
    for (let step = 0; step < 15; step++) losses.push(await trainer.step());
    await source.dispose();
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(losses.slice(-3))).toBeLessThan(0.2 * losses[0]);
    const path = join(folder, 'mobile.onnx');
    const metadata = encodeMetadata({ input: recipe.input, embeddingSize: 32, recipe: JSON.stringify(recipe) });
    await writeFile(path, embeddingModel(recipe, dataOf((await trainer.state()).valueTensors()), metadata));
    await using model = await openModel(path, { threads: 1 });
    const rows = await model.embed(pictures.map((data) => ({ width: tinySize, height: tinySize, data })));
    const cosine = (a: number, b: number) => {
      const [x, y] = [a, b].map((row) => rows.subarray(row * 32, row * 32 + 32));
      return x.reduce((sum, value, i) => sum + value * y[i], 0) / Math.hypot(...x) / Math.hypot(...y);
    };
    const pairs = pictures.flatMap((_, a) => Array.from({ length: a }, (_, b) => ({ a, b })));
    const same = pairs.filter(({ a, b }) => Math.floor(a / 8) === Math.floor(b / 8));
    const others = pairs.filter((pair) => !same.includes(pair));
    const average = (of: typeof pairs) => mean(of.map(({ a, b }) => cosine(a, b)));
    expect(average(same)).toBeGreaterThan(average(others) + 0.4);
  });
});
