// Checkpoints of a divided classifier: a file a process, whole or absent, and read again by any number of processes, dense or divided.
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Communicator, localGroup } from '../../distributed/index.js';
import { openImageSource } from '../../images/index.js';
import { dataOf } from '../../models/safetensors.js';
import { largestDifference } from '../../testing/close.js';
import { tinyRecipe, writeTinyFaces } from '../../testing/tiny-faces.js';
import { CheckpointStore } from '../checkpoint.js';
import { datasetOf } from '../dataset.js';
import type { Dataset } from '../labelled-images.js';
import { classifierName } from '../network.js';
import type { Recipe } from '../recipe.js';
import { Trainer } from '../trainer.js';

let folder: string;
let dataset: Dataset;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shards-'));
  await writeTinyFaces(join(folder, 'faces'), { identities: 9, each: 5 });
  dataset = datasetOf(await openImageSource(join(folder, 'faces')));
});
afterAll(async () => {
  await dataset.source.dispose();
  await rm(folder, { recursive: true, force: true });
});

type Kind = 'dense' | 'sharded' | 'sampled';
const settings: Readonly<Record<Kind, readonly string[]>> = {
  dense: [],
  sharded: ['solver.classifier=sharded'],
  sampled: ['solver={classifier: sharded, sampleRate: 0.1, batchSize: 4}'],
};
const energy = 'loss.energy={form: riesz, weight: {type: auto, share: 0.2}}';
const recipeOf = (kind: Kind) => tinyRecipe(energy, ...settings[kind]);

function storeOf(name: string, { solver }: Recipe, communicator: Communicator): CheckpointStore {
  return new CheckpointStore(join(folder, name), 3, { communicator, divided: solver.classifier === 'sharded' });
}

interface Part {
  /** Where it goes on from; from the start by default. */
  readonly from?: string;
  readonly steps: number;
  /** Where the end is kept. */
  readonly to?: string;
}

/** Takes steps on so many processes. @returns the classifier's rows with their momentum, and a parameter of the backbone. */
async function train(kind: Kind, size: number, { from, steps, to }: Part) {
  const ranks = await Promise.all(
    localGroup(size).map(async (communicator) => {
      const recipe = recipeOf(kind);
      await using trainer = await Trainer.create(recipe, dataset, { threads: 1, communicator });
      if (from !== undefined) await trainer.restore((await storeOf(from, recipe, communicator).latest())!);
      for (let i = 0; i < steps; i++) await trainer.step();
      if (to !== undefined) await storeOf(to, recipe, communicator).write(await trainer.checkpoint());
      const { values, momentum } = await trainer.state();
      return [values.get(classifierName)!, momentum.get(classifierName)!, values.get('fc5.weight')!].map((x) =>
        x.slice(),
      );
    }),
  );
  if (kind === 'dense') return ranks[0];
  const whole = (i: number) => Float32Array.from(ranks.flatMap((parts) => [...parts[i]]));
  return [whole(0), whole(1), ranks[0][2]];
}

describe('a checkpoint of 2 processes', () => {
  let whole: Float32Array[];
  beforeAll(async () => {
    whole = await train('sharded', 2, { steps: 8 });
    await train('sharded', 2, { steps: 4, to: 'four' });
  });

  it.each([
    ['sharded', 1],
    ['sharded', 4],
    ['dense', 1],
  ] as const)('goes on %s on %i as if nothing had been between', async (kind, size) => {
    const parts = await train(kind, size, { from: 'four', steps: 4 });
    for (const [i, data] of whole.entries()) expect(largestDifference(data, parts[i])).toBeLessThan(1e-5);
  });

  it('goes on to the same bits on 2', async () => {
    expect(await train('sharded', 2, { from: 'four', steps: 4 })).toEqual(whole);
  });

  it('goes on to the same bits with the same samples of rows', async () => {
    await train('sampled', 2, { steps: 2, to: 'sampled' });
    const four = await train('sampled', 2, { steps: 4 });
    expect(await train('sampled', 2, { from: 'sampled', steps: 2 })).toEqual(four);
  });

  it('has a file for each, and no classifier among the parameters', async () => {
    expect((await readdir(join(folder, 'four', '4'))).sort()).toEqual([
      'classifier-00001-of-00002.safetensors',
      'classifier-00002-of-00002.safetensors',
      'momentum.safetensors',
      'parameters.safetensors',
      'state.json',
    ]);
  });

  it('is not there when one of its files is missing or cut off: the one before is taken', async () => {
    await train('sharded', 2, { from: 'four', steps: 1, to: 'four' });
    const second = join(folder, 'four', '5', 'classifier-00002-of-00002.safetensors');
    const warnings: string[] = [];
    const latest = () => new CheckpointStore(join(folder, 'four'), 3).latest((text) => warnings.push(text));
    await truncate(second, 300);
    expect((await latest())?.state.iteration).toBe(4);
    await rm(second);
    expect((await latest())?.state.iteration).toBe(4);
    expect(warnings).toHaveLength(2);
  });
});

it('a checkpoint of a whole classifier goes on divided', async () => {
  await train('dense', 1, { steps: 3, to: 'dense' });
  const whole = await train('dense', 1, { steps: 6 });
  const parts = await train('sharded', 2, { from: 'dense', steps: 3 });
  for (const [i, data] of whole.entries()) expect(largestDifference(data, parts[i])).toBeLessThan(1e-5);
});

it('is read whole by who wants it whole, with the names of its rows', async () => {
  const rows = await train('sharded', 4, { steps: 1, to: 'whole' });
  const { parameters, momentum, identities } = (await new CheckpointStore(join(folder, 'whole'), 1).latest())!;
  expect(dataOf(parameters).get(classifierName)).toEqual(rows[0]);
  expect(dataOf(momentum).get(classifierName)).toEqual(rows[1]);
  expect(identities).toEqual(dataset.identities);
});
