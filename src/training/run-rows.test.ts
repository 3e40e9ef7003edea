// Every row of a classifier stays with its person: over lists and folders, other people, models, and runs of version 0.1.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listIdentities } from '../faces/identity-list.js';
import { openImageSource } from '../images/index.js';
import { decodeWeights, encodeWeights, type Tensor } from '../models/index.js';
import { asVersion01 } from '../testing/earlier-run.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { CheckpointStore } from './checkpoint.js';
import type { InitReport } from './init.js';
import { atLeastByChance } from './row-check.js';
import { resumeRun, startRun } from './run.js';
import type { StartOptions } from './run-setup.js';

const threads = 1;
const count = 12;
/** In which nothing is learned any more: what the log says is what the start gave. */
const still = [
  'guard.explosion=1000',
  // Whatever the length of embeddings: rows at random are far from all of them.
  'loss.margin={type: cosface}',
  'solver.iterations=12',
  'solver.baseLearningRate=1e-9',
  'solver.momentum=0',
  'data.mirror=0',
];

let scratch: string;
/** Folders 0 … 11, which sort as 0, 1, 10, 11, 2 by code units. */
let faces: string;
/** A run that knows them. */
let run: string;
let accuracy: number;
let runs = 0;
const newFolder = () => join(scratch, `run-${++runs}`);

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rows-'));
  faces = join(scratch, 'faces');
  await writeTinyFaces(faces, { identities: count, nameOf: String });
  run = newFolder();
  const recipe = tinyRecipe('solver.iterations=300', 'solver.schedule={type: cosine}', 'data.mirror=0');
  accuracy = (await startRun({ data: faces, recipe, folder: run, threads })).lastLine!.accuracy;
});
afterAll(() => rm(scratch, { recursive: true }));

/** Starts from `init` without learning anything; what the first steps' accuracy is, and what was reported. */
async function startFrom(init: string, data: string, options: Partial<StartOptions> = {}) {
  let report: InitReport | undefined;
  const warnings: string[] = [];
  const folder = newFolder();
  const { lastLine } = await startRun({
    ...{ data, init, folder, threads, recipe: tinyRecipe(...still) },
    onStart: (start) => (report = start.init),
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  return { accuracy: lastLine!.accuracy, report: report!, warnings, folder };
}

async function classifierOf(folder: string): Promise<Tensor> {
  return (await new CheckpointStore(join(folder, 'checkpoints'), 1).latest())!.parameters.get('fc6.weight')!;
}

describe('a start from a run', () => {
  it('keeps its accuracy on the list of its own folder', async () => {
    expect(accuracy).toBeGreaterThan(0.9);
    const source = await openImageSource(faces);
    const { lines, identities } = await listIdentities({ source });
    await source.dispose();
    expect(identities).toEqual(Array.from({ length: count }, (_, i) => String(i)));
    const list = join(scratch, 'list.txt');
    await writeFile(list, lines.map((line) => `faces/${line}\n`).join(''));
    const again = await startFrom(run, list);
    expect(again.accuracy).toBeGreaterThan(0.9);
    expect(again.report.rows).toMatchObject({ mode: 'by-name', fresh: [], leftBehind: [] });
  });

  it('does not give rows to other people, and says so', async () => {
    const others = join(scratch, 'others');
    await writeTinyFaces(others, { identities: count, nameOf: (i) => `other-${i}`, seed: 2 });
    const { report, warnings, folder } = await startFrom(run, others);
    expect(report.rows).toMatchObject({ matched: [], leftBehind: Array.from({ length: count }, (_, i) => String(i)) });
    expect(warnings).toEqual([expect.stringMatching(/none of the 12 identities .*no row/)]);
    const [before, after] = [await classifierOf(run), await classifierOf(folder)];
    expect(closest(after, before)).toBeLessThan(0.999);
    expect(JSON.parse(await readFile(join(folder, 'init.json'), 'utf8'))).toEqual({ model: run, ...report });
  });

  it("makes rows from the images of people whom the start does not know: each image's nearest is mostly its own", async () => {
    const others = join(scratch, 'strangers');
    await writeTinyFaces(others, { identities: count, nameOf: (i) => `stranger-${i}`, seed: 2 });
    const centred = await startFrom(run, others);
    expect(centred.report.centred).toHaveLength(count);
    const random = await startFrom(run, others, { initRows: 'fresh' });
    expect(random.report.centred).toBeUndefined();
    expect(centred.accuracy).toBeGreaterThan(0.9);
    expect(random.accuracy).toBeLessThan(0.5);
    const some = join(scratch, 'one-new');
    await writeTinyFaces(some, { identities: 4, nameOf: (i) => ['11', 'new', '2', '0'][i] });
    expect((await startFrom(run, some)).report.centred).toEqual(['new']);
  });

  it('warns when the rows do not know the people of their names', async () => {
    const namesakes = join(scratch, 'namesakes');
    await writeTinyFaces(namesakes, { identities: count, nameOf: String, seed: 3 });
    const { warnings } = await startFrom(run, namesakes);
    expect(warnings).toEqual([expect.stringMatching(/12 rows .* recognise \d+ of 64 images .*--init-rows fresh/)]);
    expect((await startFrom(run, faces)).warnings).toEqual([]);
  });

  it('gives rows to those who are in both, from a run, its model and its weights', async () => {
    const some = join(scratch, 'some');
    await writeTinyFaces(some, { identities: 4, nameOf: (i) => ['11', 'new', '2', '0'][i] });
    const folder = join(run, 'checkpoints', '300');
    for (const init of [run, folder, join(folder, 'parameters.safetensors'), join(run, 'model.onnx')]) {
      const { report, folder: result } = await startFrom(init, some);
      expect(report.rows).toMatchObject({ matched: ['0', '2', '11'], fresh: ['new'] });
      const [before, after] = [await classifierOf(run), await classifierOf(result)];
      for (const [row, old] of [0, 2, 11].entries()) expect(cosine(after, row, before, old)).toBeGreaterThan(1 - 1e-6);
      expect(Array.from({ length: count }, (_, old) => cosine(after, 3, before, old)).every((c) => c < 0.999)).toBe(
        true,
      );
    }
  });

  it('has no rows to give when only its model was copied away', async () => {
    const alone = join(scratch, 'alone.onnx');
    await copyFile(join(run, 'model.onnx'), alone);
    const { report } = await startFrom(alone, faces);
    expect(report.fresh).toEqual(['fc6.weight']);
    expect(report.rows).toBeUndefined();
  });

  it('takes rows without names by position only when told', async () => {
    const named = decodeWeights(await readFile(join(run, 'checkpoints', '300', 'parameters.safetensors')), 'x');
    const unnamed = join(scratch, 'unnamed.safetensors');
    await writeFile(unnamed, encodeWeights({ parameters: named.parameters }));
    await expect(startFrom(unnamed, faces)).rejects.toThrow(/does not say whose rows/);
    expect((await startFrom(unnamed, faces, { initRows: 'by-position' })).accuracy).toBeGreaterThan(0.9);
    const fresh = await startFrom(unnamed, faces, { initRows: 'fresh' });
    expect(fresh.report).toMatchObject({ fresh: ['fc6.weight'] });
    expect(fresh.accuracy).toBeLessThan(0.9);
  });
});

describe('a run of version 0.1', () => {
  it('goes on with every row at its person, though it has no names', async () => {
    const source = await openImageSource(faces);
    const list = join(scratch, 'list-of-0.1.txt');
    const lines = source.entries.map(({ file, identity }) => ({ file: `faces/${file}`, label: identity }));
    await writeFile(list, lines.map(({ file, label }) => `${file} ${label}\n`).join(''));
    await source.dispose();
    for (const data of [faces, list]) {
      const { folder } = await startFrom(run, data);
      await asVersion01(
        folder,
        lines.map(({ file, label }) => ({ file: data === list ? file : file.slice(6), label })),
      );
      const { lastLine } = await resumeRun(folder, { threads, iterations: 24 });
      expect(lastLine!.accuracy).toBeGreaterThan(0.9);
      const { identities } = (await new CheckpointStore(join(folder, 'checkpoints'), 1).latest())!;
      expect(identities).toEqual(Array.from({ length: count }, (_, i) => String(i)).sort());
      // The order of its rows is not that of new runs; from here on names carry them over.
      expect((await startFrom(folder, faces)).accuracy).toBeGreaterThan(0.9);
    }
  });
});

describe('the probability of so many hits by chance', () => {
  it.each([
    [0, 10, 0.3, 1],
    [1, 10, 0.3, 1 - 0.7 ** 10],
    [10, 10, 0.3, 0.3 ** 10],
    [2, 3, 0.5, 0.5],
    [5, 64, 1 / 12, 0.6254],
  ])('%i of %i at %f', (hits, draws, chance, expected) => {
    expect(atLeastByChance(hits, draws, chance)).toBeCloseTo(expected, 3);
  });
});

function cosine(a: Tensor, i: number, b: Tensor, j: number): number {
  const [left, right] = [a.data.subarray(i * a.shape[1]), b.data.subarray(j * b.shape[1])];
  let dot = 0;
  for (let k = 0; k < a.shape[1]; k++) dot += left[k] * right[k];
  return dot;
}

/** The largest cosine between rows of the two. */
function closest(a: Tensor, b: Tensor): number {
  const rows = (tensor: Tensor) => Array.from({ length: tensor.shape[0] }, (_, i) => i);
  return Math.max(...rows(a).flatMap((i) => rows(b).map((j) => cosine(a, i, b, j))));
}
