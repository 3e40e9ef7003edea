// Whole runs on tiny pictures: learning, exact resuming, accumulation, starting from another model, and the guard.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImageSource } from '../images/index.js';
import { openModel, readClassifier } from '../models/index.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { CheckpointStore } from './checkpoint.js';
import { datasetOf } from './dataset.js';
import { TrainingAnomaly } from './guard.js';
import type { LogLine } from './log.js';
import type { Recipe } from './recipe.js';
import type { InitRows } from './init.js';
import { loadStatedRecipe } from './recipe-file.js';
import { resumeRun, startRun } from './run.js';
import { Trainer } from './trainer.js';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-'));
  data = join(folder, 'faces');
  await writeTinyFaces(data);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const threads = 1;
let runs = 0;
const newFolder = () => join(folder, `run-${++runs}`);
const checkpointOf = (run: string) => new CheckpointStore(join(run, 'checkpoints'), 2).latest();

/** Which of the last checkpoint's files and the model differ in any bit. */
async function differingFiles(a: string, b: string, iteration: number): Promise<string[]> {
  const files = ['parameters.safetensors', 'momentum.safetensors', 'state.json'].map((name) =>
    join('checkpoints', String(iteration), name),
  );
  const differs = async (name: string) => !(await readFile(join(a, name))).equals(await readFile(join(b, name)));
  const names = [...files, 'model.onnx'];
  const flags = await Promise.all(names.map(differs));
  return names.filter((_, i) => flags[i]);
}

async function logOf(run: string): Promise<LogLine[]> {
  const text = await readFile(join(run, 'log.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine);
}

describe('a run', () => {
  it('learns, and leaves recipe, log, checkpoints and a model that says how it is used', async () => {
    const run = newFolder();
    const recipe = tinyRecipe('solver.iterations=150', 'loss.energy={form: riesz, weight: {type: auto, share: 0.1}}');
    const result = await startRun({ data, recipe, folder: run, threads });
    expect(result).toMatchObject({ status: 'finished', iteration: 150, unreadable: [] });
    expect(JSON.parse(await readFile(join(run, 'recipe.json'), 'utf8'))).toEqual(recipe);
    const people = Array.from({ length: 6 }, (_, i) => `person-0${i}`);
    expect(JSON.parse(await readFile(join(run, 'run.json'), 'utf8'))).toMatchObject({ images: 48, identities: people });
    expect((await checkpointOf(run))!.identities).toEqual(people);
    expect((await readClassifier(join(run, 'model.onnx')))!.identities).toEqual(people);

    const log = await logOf(run);
    expect(log.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 30 }, (_, i) => 5 * (i + 1)));
    const last = log.at(-1)!;
    expect(log[0].accuracy).toBeLessThan(0.6);
    expect(last.accuracy).toBeGreaterThan(0.9);
    expect(last.terms.classification).toBeLessThan(log[0].terms.classification * 0.8);
    expect(last.loss).toBeCloseTo(last.terms.classification + last.terms.energy, 4);
    // The automatic weight keeps its promise: a tenth of the classification gradient's norm, on every step and so on average.
    expect(last.gradientNorms.energy / last.gradientNorms.classification).toBeCloseTo(0.1, 4);
    expect(last.energy! * last.energyWeight!).toBeGreaterThan(0);
    expect(last.lambda).toBe(5);
    expect(last.effectiveMargin).toBeCloseTo(1.53, 2);
    expect(last.minimumAngle).toBeGreaterThan(0);
    expect(last.meanAngle).toBeGreaterThan(last.minimumAngle);

    expect(await new CheckpointStore(join(run, 'checkpoints'), 2).iterations()).toEqual([147, 150]);
    await using model = await openModel(join(run, 'model.onnx'), { threads });
    expect(model.embeddingSize).toBe(8);
    expect(model.input).toEqual(recipe.input);
    expect(JSON.parse(model.metadata.recipe!)).toEqual(recipe);
  });

  it('refuses to start over an existing run, and to resume where there is none', async () => {
    const run = newFolder();
    await startRun({ data, recipe: tinyRecipe('solver.iterations=1'), folder: run, threads });
    await expect(startRun({ data, recipe: tinyRecipe(), folder: run, threads })).rejects.toThrow(/--resume/);
    await expect(resumeRun(newFolder())).rejects.toThrow(/holds no run/);
  });

  it('is trained by one process at a time, which others are told of', async () => {
    const run = newFolder();
    const claim = join(run, 'claim.json');
    const others: Promise<unknown>[] = [];
    const refused = /Another process is at work[^]*process \d+ on [^]*delete .*claim.json/;
    const onStep = () => {
      others.push(
        expect(resumeRun(run, { threads })).rejects.toThrow(refused),
        expect(startRun({ data, recipe: tinyRecipe(), folder: run, threads })).rejects.toThrow(refused),
      );
      expect(existsSync(claim)).toBe(true);
    };
    await startRun({ data, recipe: tinyRecipe('solver.iterations=1'), folder: run, threads, onStep });
    expect(others).toHaveLength(2);
    await Promise.all(others);
    expect(existsSync(claim)).toBe(false);

    // A run that another program is at work on; and one whose process was killed.
    await writeFile(claim, JSON.stringify({ host: hostname(), pid: process.ppid, id: 'other' }));
    await expect(resumeRun(run, { threads, iterations: 2 })).rejects.toThrow(
      `process ${process.ppid} on ${hostname()}`,
    );
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await writeFile(claim, JSON.stringify({ host: hostname(), pid, id: 'other' }));
    expect(await resumeRun(run, { threads, iterations: 2 })).toMatchObject({ status: 'finished', iteration: 2 });
    expect(existsSync(claim)).toBe(false);
  });

  it('says the same of a run without checkpoints, whether it is resumed or started over, and what it says works', async () => {
    const run = newFolder();
    const recipe = tinyRecipe('solver.iterations=5');
    await startRun({ data, recipe, folder: run, threads });
    await rm(join(run, 'checkpoints'), { recursive: true });
    const advice = `start anew in another folder (sphereface train DATA --recipe ${join(run, 'recipe.json')} -o RUN)`;
    await expect(resumeRun(run, { threads })).rejects.toThrow(advice);
    await expect(startRun({ data, recipe, folder: run, threads })).rejects.toThrow(advice);
    expect(await loadStatedRecipe(join(run, 'recipe.json'))).toMatchObject({ recipe });
  });

  it('leaves no claim behind when it fails, nor a folder that it made', async () => {
    const run = newFolder();
    const inside = join(run, 'a', 'b');
    await expect(startRun({ data: join(folder, 'none'), recipe: tinyRecipe(), folder: inside })).rejects.toThrow(
      /none/,
    );
    expect(existsSync(run)).toBe(false);
    const failing = () => {
      throw new Error('failed');
    };
    const options = { data, recipe: tinyRecipe(), folder: run, threads, onStep: failing };
    await expect(startRun(options)).rejects.toThrow('failed');
    expect(existsSync(join(run, 'claim.json'))).toBe(false);
  });
});

describe('resuming', () => {
  it('goes on from the one before where the newest checkpoint cannot be read, and sets that aside', async () => {
    const run = newFolder();
    await startRun({ data, recipe: tinyRecipe('solver.iterations=14'), folder: run, threads });
    await truncate(join(run, 'checkpoints', '14', 'state.json'), 5);
    const warnings: string[] = [];
    const onWarning = (text: string) => warnings.push(text);
    const stopped = await resumeRun(run, { threads, signal: AbortSignal.abort(), onWarning });
    expect(stopped).toMatchObject({ status: 'stopped', iteration: 12 });
    expect(warnings).toContainEqual(
      expect.stringMatching(/checkpoint 14 is set aside as .*unreadable-14; .*from iteration 12/),
    );
    await resumeRun(run, { threads });
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual(['12', '14', 'unreadable-14']);
  });

  it.each([
    'data.sampler=shuffle',
    'data.sampler=balanced',
    'solver.iterSize=2',
    'loss.margin={type: sphereface2, scale: 8}',
  ])('gives the same bits as a run without a break: %s', async (setting) => {
    const recipe = tinyRecipe('solver.iterations=20', 'data.shift=2', 'data.light=0.1', setting);
    const whole = newFolder();
    await startRun({ data, recipe, folder: whole, threads });
    const broken = newFolder();
    const stop = new AbortController();
    const stopAt = (at: number) => ({
      signal: stop.signal,
      onStep: (iteration: number) => {
        if (iteration === at) stop.abort();
      },
    });
    const first = await startRun({ data, recipe, folder: broken, threads, ...stopAt(7) });
    expect(first).toMatchObject({ status: 'stopped', iteration: 7, model: undefined });
    expect(await resumeRun(broken, { threads })).toMatchObject({ status: 'finished', iteration: 20 });
    expect(await differingFiles(broken, whole, 20)).toEqual([]);
    const withoutClock = (line: LogLine) => ({ ...line, imagesPerSecond: 0, waiting: 0, rankSeconds: [] });
    // Means of the line that spans the break are over fewer steps; all others agree.
    const [a, b] = [await logOf(broken), await logOf(whole)].map((log) => log.filter((l) => l.iteration !== 10));
    expect(a.map(withoutClock)).toEqual(b.map(withoutClock));
  });

  it('refuses other data', async () => {
    const other = join(folder, 'changed');
    await writeTinyFaces(other);
    const run = newFolder();
    await startRun({ data: other, recipe: tinyRecipe('solver.iterations=2'), folder: run, threads });
    await rm(join(other, 'person-00', '00.png'));
    await expect(resumeRun(run)).rejects.toThrow(/47 images.*48 images/s);
  });
});

describe('accumulation', () => {
  it('over iterSize passes is the large batch, to rounding', async () => {
    const energy = 'loss.energy={form: riesz, weight: {type: constant, value: 0.5}}';
    const after = async (...settings: string[]) => {
      const recipe = tinyRecipe('solver.iterations=4', energy, ...settings);
      const source = await openImageSource(data);
      await using trainer = await Trainer.create(recipe, datasetOf(source), { threads });
      const losses: number[] = [];
      for (let i = 0; i < 4; i++) losses.push(await trainer.step());
      await source.dispose();
      return {
        losses,
        values: new Map([...(await trainer.state()).values].map(([name, data]) => [name, data.slice()])),
      };
    };
    const large = await after('solver.batchSize=16');
    const small = await after('solver.batchSize=4', 'solver.iterSize=4');
    small.losses.forEach((loss, i) => expect(loss).toBeCloseTo(large.losses[i], 4));
    for (const [name, data] of large.values) {
      const other = small.values.get(name)!;
      const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
      expect(worst, name).toBeLessThan(2e-5);
    }
  });
});

describe('starting from another model', () => {
  it('is what a fine-tune demands, and it warns of a classifier that starts at random', async () => {
    const recipe = tinyRecipe('start=model', 'solver.iterations=1');
    const folder = newFolder();
    await expect(startRun({ data, recipe, folder, threads })).rejects.toThrow(/fine-tune[\s\S]*--init RUN/);
    const first = newFolder();
    await startRun({ data, recipe: { ...recipe, start: 'scratch' }, folder: first, threads });
    const warningsFrom = async (init: string, initRows?: InitRows) => {
      const warnings: string[] = [];
      const onWarning = (text: string) => void warnings.push(text);
      await startRun({ data, recipe, folder: newFolder(), init, initRows, threads, onWarning });
      return warnings;
    };
    expect(await warningsFrom(first)).toEqual([]);
    expect(await warningsFrom(join(first, 'model.onnx'))).toEqual([]);
    await rm(join(first, 'model.classifier.safetensors'));
    expect(await warningsFrom(join(first, 'model.onnx'))).toEqual([]);
    const warning = expect.stringMatching(/classifier starts at random/) as string;
    expect(await warningsFrom(join(first, 'model.onnx'), 'fresh')).toEqual([warning]);
  });

  it('copies by name, reports the rest, and takes the classifier from a run', async () => {
    const first = newFolder();
    await startRun({ data, recipe: tinyRecipe('solver.iterations=2'), folder: first, threads });
    const reports: (readonly string[])[] = [];
    const onStart: Parameters<typeof startRun>[0]['onStart'] = ({ init }) =>
      reports.push(
        init!.copied,
        init!.fresh,
        init!.differing.map(({ name }) => name),
      );
    const recipe = tinyRecipe('solver.iterations=1', 'solver.baseLearningRate=1e-30', 'solver.momentum=0');
    const fromRun = newFolder();
    await startRun({ data, recipe, folder: fromRun, init: first, threads, onStart });
    expect(reports[0]).toContain('fc6.weight');
    expect(reports.slice(1)).toEqual([[], []]);
    expect((await checkpointOf(fromRun))!.parameters.get('fc5.weight')).toEqual(
      (await checkpointOf(first))!.parameters.get('fc5.weight'),
    );
    const wider: Recipe = { ...recipe, network: { ...recipe.network, widths: [4, 8, 8, 12] } };
    await startRun({ data, recipe: wider, folder: newFolder(), init: join(first, 'model.onnx'), threads, onStart });
    expect(reports[3]).toContain('fc6.weight');
    expect(reports[5]).toContain('conv4_1.weight');
    await expect(startRun({ data, recipe, folder: newFolder(), init: join(folder, 'nothing.onnx') })).rejects.toThrow(
      /no model/,
    );
  });
});

describe('trouble', () => {
  it('stops at values that are not finite, before they are applied, and keeps the last good checkpoint', async () => {
    const run = newFolder();
    const recipe = tinyRecipe('solver.baseLearningRate=1e12', 'solver.clipNorm=null');
    const failure = await startRun({ data, recipe, folder: run, threads }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TrainingAnomaly);
    expect((failure as Error).message).toMatch(/λ .*feature norm .*learning rate/);
    const { parameters } = (await checkpointOf(run))!;
    expect([...parameters.values()].every(({ data }) => data.every(Number.isFinite))).toBe(true);
  });

  it('replaces unreadable images, lists them, and trains on', async () => {
    const damaged = join(folder, 'damaged');
    await writeTinyFaces(damaged);
    await truncate(join(damaged, 'person-01', '03.png'), 60);
    await writeFile(join(damaged, 'person-02', '00.png'), 'no picture');
    const warnings: string[] = [];
    const recipe = tinyRecipe('solver.iterations=14');
    const result = await startRun({
      data: damaged,
      recipe,
      folder: newFolder(),
      threads,
      onWarning: (text) => warnings.push(text),
    });
    expect(result.status).toBe('finished');
    expect(result.unreadable.map(({ file }) => file).sort()).toEqual(['person-01/03.png', 'person-02/00.png']);
    expect(warnings.length).toBe(2);
    expect(existsSync(result.model!)).toBe(true);
  });
});
