// Training with a divided classifier is training with a whole one: the same losses and parameters, on any number of processes, with energies
// and several passes. The processes are trainers in this one; mpi.test.ts has them as processes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Communicator, localGroup, oneProcess } from '../../distributed/index.js';
import { openImageSource } from '../../images/index.js';
import { largestDifference } from '../../testing/close.js';
import { extensions } from '../../testing/extensions/index.js';
import { tinyRecipe, writeTinyFaces } from '../../testing/tiny-faces.js';
import { datasetOf } from '../dataset.js';
import type { Dataset } from '../labelled-images.js';
import type { LogLine } from '../log.js';
import { classifierName } from '../network.js';
import { parseRecipe, type Recipe, type RecipeInput } from '../recipe.js';
import { RowRange } from '../row-range.js';
import { Trainer } from '../trainer.js';

let folder: string;
let dataset: Dataset;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sharded-'));
  await writeTinyFaces(folder, { identities: 9, each: 5 });
  dataset = datasetOf(await openImageSource(folder));
});
afterAll(async () => {
  await dataset.source.dispose();
  await rm(folder, { recursive: true, force: true });
});

interface Trained {
  readonly losses: readonly number[];
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly line: LogLine;
}

async function trained(recipe: Recipe, communicator: Communicator, steps: number): Promise<Trained> {
  await using trainer = await Trainer.create(recipe, dataset, { threads: 1, communicator, extensions });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await trainer.step());
  const line = await trainer.logLine();
  return {
    losses,
    values: new Map([...(await trainer.state()).values].map(([name, data]) => [name, data.slice()])),
    line,
  };
}

/** On so many processes; the classifier put together from their rows. */
async function together(recipe: Recipe, size: number, steps = 20): Promise<Trained> {
  const all = await Promise.all(localGroup(size).map((communicator) => trained(recipe, communicator, steps)));
  for (const { losses, values } of all) {
    expect(losses).toEqual(all[0].losses);
    for (const [name, data] of all[0].values) if (name !== classifierName) expect(values.get(name)).toEqual(data);
  }
  const rows = Float32Array.from(all.flatMap(({ values }) => [...values.get(classifierName)!]));
  return { ...all[0], values: new Map(all[0].values).set(classifierName, rows) };
}

const riesz = (rest: string) => `loss.energy={form: riesz, ${rest}}`;
/** What is divided, and among how many. */
const cases: readonly (readonly [what: string, sizes: readonly number[], settings: readonly string[]])[] = [
  [
    'A-Softmax with the released gradient, and the energy of the batch, clipped',
    [1, 2, 4],
    [
      'loss.margin.gradient=caffe',
      riesz('pairs: batch, s: 0, space: half, weight: {type: constant, value: 1}'),
      'solver.clipNorm=0.5',
    ],
  ],
  [
    'an energy whose weight is measured, over several passes',
    [1, 2, 4],
    [riesz('weight: {type: auto, share: 0.2}'), 'solver.iterSize=2'],
  ],
  [
    'an energy of all pairs, and of hidden filters',
    [4],
    [riesz('pairs: all, weight: {type: constant, value: 2}'), 'loss.hiddenEnergy={form: riesz, s: 1, weight: 0.1}'],
  ],
  [
    'SphereFace2 with the released energy',
    [2],
    ['loss.margin={type: sphereface2, scale: 8}', 'loss.energy={form: caffe, alpha: 50}'],
  ],
];

describe.each(cases)('%s', (_, sizes, settings) => {
  it('ends where a whole classifier does', async () => {
    const dense = await trained(tinyRecipe(...settings), oneProcess, 20);
    for (const size of sizes) {
      const sharded = await together(tinyRecipe(...settings, 'solver.classifier=sharded'), size);
      // Only the order in which float32 is added up differs: 1e-5 after 20 steps.
      expect(largestDifference(dense.losses, sharded.losses), `losses on ${size}`).toBeLessThan(1e-5);
      for (const [name, data] of dense.values) {
        expect(largestDifference(data, sharded.values.get(name)!), `${name} on ${size}`).toBeLessThan(1e-5);
      }
      const { line } = sharded;
      expect(line.accuracy).toBeCloseTo(dense.line.accuracy, 6);
      for (const name of ['loss', 'featureNorm', 'minimumAngle', 'meanAngle', 'energy', 'energyWeight'] as const) {
        expect(largestDifference([dense.line[name] ?? 1], [line[name] ?? 1]), name).toBeLessThan(1e-4);
      }
      expect(Object.keys(line.terms)).toEqual(Object.keys(dense.line.terms));
      for (const [name, norm] of Object.entries(dense.line.gradientNorms)) {
        expect(largestDifference([norm], [line.gradientNorms[name]]), name).toBeLessThan(1e-4);
      }
    }
  });
});

it('keeps the running statistics of a backbone that has them, over several passes', async () => {
  const recipeOf = (...settings: string[]) =>
    parseRecipe({ ...tinyRecipe('solver.iterSize=2', ...settings), network: { type: 'pointwise' } }, { extensions });
  const dense = await trained(recipeOf(), oneProcess, 5);
  const sharded = await together(recipeOf('solver.classifier=sharded'), 1, 5);
  expect([...dense.values.keys()]).toContain('mix.norm.variance');
  for (const [name, data] of dense.values)
    expect(largestDifference(data, sharded.values.get(name)!), name).toBeLessThan(1e-5);
});

describe('a sample of the rows', () => {
  const settings = ['solver={classifier: sharded, sampleRate: 0.1, batchSize: 4}', 'loss.margin={type: cosface}'];

  it('moves those of the batch, some others and no more, in every process', async () => {
    const steps = await Promise.all([0, 1].map((count) => together(tinyRecipe(...settings), 2, count)));
    const [before, after] = steps.map(({ values }) => values.get(classifierName)!);
    const moved = dataset.identities.map((_, row) => {
      const of = (values: Float32Array) => values.subarray(row * 8, row * 8 + 8);
      return largestDifference(of(before), of(after)) > 0;
    });
    // Two processes hold 4 and 5 rows; each takes 4, as many as a batch may need.
    const { counts } = RowRange.part(9, { rank: 0, size: 2 });
    expect(counts).toEqual([4, 5]);
    expect(moved.slice(0, 4)).toEqual([true, true, true, true]);
    expect(moved.slice(4).filter(Boolean)).toHaveLength(4);
  });

  it('learns', async () => {
    const { losses } = await together(
      tinyRecipe(...settings, 'loss.margin={type: normalised-softmax, scale: 16}'),
      1,
      60,
    );
    const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
    expect(mean(losses.slice(-10))).toBeLessThan(0.5 * mean(losses.slice(0, 10)));
  });
});

describe('what cannot be divided', () => {
  const create = (communicator: Communicator, ...settings: string[]) =>
    Trainer.create(tinyRecipe('solver.classifier=sharded', ...settings), dataset, { communicator, extensions });

  it('is refused: a step that has fewer images than processes, more processes than identities', async () => {
    await expect(create(localGroup(3)[0])).rejects.toThrow(/divides solver.batchSize/);
    await expect(create(localGroup(16)[0], 'solver.batchSize=16')).rejects.toThrow(/16 processes, 9 identities/);
  });

  it('is refused: a margin or an energy that knows only whole classifiers, a sample of a whole one', async () => {
    const ofRecipe = (loss: RecipeInput['loss'] | object) =>
      Trainer.create(parseRecipe({ ...tinyRecipe('solver.classifier=sharded'), loss }, { extensions }), dataset, {
        extensions,
      });
    await expect(ofRecipe({ margin: { type: 'rising' } })).rejects.toThrow(
      /margin "rising" cannot be computed on a part[\s\S]*byClass[\s\S]*solver.classifier to dense/,
    );
    await expect(ofRecipe({ energy: { form: 'orthogonality' } })).rejects.toThrow(
      /energy "orthogonality" cannot be computed on a part[\s\S]*solver.classifier to dense/,
    );
    expect(() => tinyRecipe('solver.sampleRate=0.5')).toThrow(
      /solver.sampleRate: a part of the rows[\s\S]*solver.classifier=sharded/,
    );
  });
});
