// The whole pipeline end to end, nothing replaced: synthetic photos, MTCNN, training, evaluation, report.
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSyntheticPhotos } from '../synthetic/index.js';
import { testWeights } from '../testing/mtcnn-weights.js';
import { encodeModel, hashedTensor, testModel } from '../testing/onnx-model.js';
import { applySetting, builtInRecipe, parseRecipe, type Recipe } from '../training/index.js';
import { publishedInput } from '../images/index.js';
import { demoRecipes } from './demo-recipes.js';
import { runPipeline } from './pipeline.js';
import type { PipelineEvents, PipelineOptions, ScratchRecipes } from './types.js';

const { weights, why } = await testWeights();

/** The demo's recipes, cut to `iterations`. */
function recipes(iterations: number): ScratchRecipes {
  const { base, plus } = demoRecipes(1);
  const cut = (recipe: Recipe, count: number) =>
    parseRecipe({
      ...recipe,
      solver: { ...recipe.solver, iterations: count },
      log: { ...recipe.log, display: 5, checkpoint: 4 },
    });
  return { base: cut(base, iterations), plus: cut(plus, Math.ceil(iterations / 4)) };
}

// Seconds on an idle machine; the limit leaves room for a busy one.
describe.skipIf(weights === undefined)(`runPipeline ${why}`, { timeout: 600_000 }, () => {
  let folder: string;
  let photos: string;
  const options = (name: string, more: Partial<PipelineOptions> = {}): PipelineOptions => ({
    photos,
    folder: join(folder, name),
    recipes: recipes(12),
    weights: () => Promise.resolve(weights!),
    // Two test files run side by side: with as many threads as cores each would wait for the other.
    threads: 1,
    ...more,
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sphereface-pipeline-'));
    photos = join(folder, 'photos');
    await writeSyntheticPhotos(photos, { identities: 20, photosPerIdentity: 6, seed: 5 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('finds the synthetic faces, learns from them, and tells people apart whom it was not trained on', async () => {
    const lines: number[] = [];
    const summary = await runPipeline(options('learns', { recipes: recipes(120), control: true }), {
      onLogLine: ({ terms }) => lines.push(terms.classification),
    });
    const { total, aligned } = summary.photos;
    expect(total).toBe(120);
    // The renderer's promise: MTCNN finds at least 95 % of its faces.
    expect(aligned).toBeGreaterThanOrEqual(0.95 * total);
    expect(summary.training.identities).toBe(15);
    expect(summary.pairs.matched).toBe(summary.pairs.mismatched);
    expect(summary.models.map(({ name }) => name)).toEqual(['sphereface', 'without-energy', 'sphereface-plus']);
    const [base, control, plus] = summary.models;
    // About 130 pairs of five people: chance is 50 %, its standard deviation 4.4 points.
    expect(base.accuracy.mean).toBeGreaterThan(0.65);
    expect(lines[lines.length - 1]).toBeLessThan(lines[0] / 2);
    // The energy spreads the classifiers, which the same training without it does not.
    expect(plus.spread!.energy).toBeLessThan(control.spread!.energy);
    expect(plus.spread!.meanNearestAngle).toBeGreaterThan(control.spread!.meanNearestAngle);
    for (const { report } of summary.models) expect(await readFile(report, 'utf8')).toMatch(/^<!doctype html>/i);
  });

  it('does nothing twice, and goes on after an interruption to the same models', async () => {
    const whole = await runPipeline(options('whole'));
    const model = join(folder, 'whole', 'sphereface-plus', 'model.onnx');
    const { mtimeMs } = await stat(model);

    const found: string[] = [];
    const begun: string[] = [];
    const listen: PipelineEvents = { onStage: (title, status) => (status === 'found' ? found : begun).push(title) };
    const again = await runPipeline(
      options('whole', { weights: () => Promise.reject(new Error('asked for weights')) }),
      listen,
    );
    expect(begun).toEqual([]);
    expect(found).toHaveLength(6);
    expect(again).toEqual(whole);
    expect((await stat(model)).mtimeMs).toBe(mtimeMs);

    // Crops are copied, so that only training is interrupted; then detection is, in a folder of its own.
    await cp(join(folder, 'whole', 'aligned'), join(folder, 'stopped', 'aligned'), { recursive: true });
    const stop = new AbortController();
    const stopping: PipelineEvents = {
      onProgress: (done, _total, unit) => {
        if (unit === 'iterations' && done === 7) stop.abort();
      },
    };
    await expect(runPipeline(options('stopped', { signal: stop.signal }), stopping)).rejects.toThrow(/iteration 7/);
    await runPipeline(options('stopped'));
    for (const name of ['sphereface', 'sphereface-plus']) {
      const read = (run: string) => readFile(join(folder, run, name, 'model.onnx'));
      expect((await read('stopped')).equals(await read('whole')), name).toBe(true);
    }
  });

  it('goes on with detection where it stopped', async () => {
    const stop = new AbortController();
    const stopping: PipelineEvents = {
      onProgress: (done, _total, unit) => {
        if (unit === 'photos' && done === 20) stop.abort();
      },
    };
    await expect(runPipeline(options('half', { signal: stop.signal }), stopping)).rejects.toThrow(/interrupted/i);
    const notes: string[] = [];
    await runPipeline(options('half'), { onNote: (text) => notes.push(text) });
    expect(notes[0]).toMatch(/; 20 had been done before$/);
    const manifest = (run: string) => readFile(join(folder, run, 'aligned', 'manifest.json'), 'utf8');
    expect(await manifest('half')).toBe(await manifest('whole'));
  });

  it('evaluates on given pairs, and trains on none of the people in them', async () => {
    const files = ['person-000/00.jpg', 'person-000/01.jpg', 'person-001/00.jpg'];
    const pairs = join(folder, 'given.txt');
    const text = `${files[0]}\t${files[1]}\t1\n${files[0]}\t${files[2]}\t0\n`;
    await writeFile(pairs, text);
    await cp(join(folder, 'whole', 'aligned'), join(folder, 'given', 'aligned'), { recursive: true });
    const summary = await runPipeline(options('given', { pairs }));
    expect(summary.training.identities).toBe(18);
    expect(summary.pairs).toEqual({ matched: 1, mismatched: 1, missing: 0 });
    expect(await readFile(join(folder, 'given', 'train.txt'), 'utf8')).not.toMatch(/person-00[01]\//);
  });

  it('divides again by pairs that changed before training, and refuses them after it', async () => {
    const pairs = join(folder, 'changing.txt');
    const pairsOf = (a: string, b: string) =>
      writeFile(pairs, `${a}/00.jpg ${a}/01.jpg 1\n${a}/00.jpg ${b}/00.jpg 0\n`);
    await cp(join(folder, 'whole', 'aligned'), join(folder, 'changing', 'aligned'), { recursive: true });
    const list = () => readFile(join(folder, 'changing', 'train.txt'), 'utf8');

    await pairsOf('person-000', 'person-001');
    const interrupted: PipelineEvents = {
      onStage: (title) => {
        if (title.startsWith('train')) throw new Error('interrupted');
      },
    };
    await expect(runPipeline(options('changing', { pairs }), interrupted)).rejects.toThrow('interrupted');
    expect(await list()).toMatch(/person-002\//);
    await pairsOf('person-002', 'person-003');
    await runPipeline(options('changing', { pairs }));
    expect(await list()).not.toMatch(/person-00[23]\//);
    expect(await list()).toMatch(/person-000\//);

    await pairsOf('person-000', 'person-001');
    const changed = runPipeline(options('changing', { pairs }));
    await expect(changed).rejects.toThrow(/pairs have changed since[^]*changing.txt[^]*put the pairs back/);
  });

  it('holds out the people of given pairs whose images are not found, too, and says so', async () => {
    const pairs = join(folder, 'lost.txt');
    const lines = [
      'person-000/00.JPG person-000/01.webp 1',
      'person-000/00.JPG person-001/00.png 0',
      'person-002/77.jpg person-003/78.jpg 0',
      'nobody/1.jpg person-001/00.jpg 0',
    ];
    await writeFile(pairs, lines.join('\n'));
    await cp(join(folder, 'whole', 'aligned'), join(folder, 'lost', 'aligned'), { recursive: true });
    const warnings: string[] = [];
    const summary = await runPipeline(options('lost', { pairs }), { onWarning: (text) => warnings.push(text) });
    expect(summary.training.identities).toBe(16);
    expect(summary.pairs).toEqual({ matched: 1, mismatched: 1, missing: 2 });
    expect(await readFile(join(folder, 'lost', 'train.txt'), 'utf8')).not.toMatch(/person-00[0-3]\//);
    expect(warnings).toEqual([
      expect.stringMatching(/^2 of 4 pairs of lost.txt are left out: no image person-002\/77.jpg/),
      expect.stringMatching(/^person-002\/77.jpg, person-003\/78.jpg of lost.txt: .*kept from training all the same/),
      expect.stringMatching(/^nobody\/1.jpg of lost.txt: .*may be trained on/),
    ]);
  });

  it('leaves out photos of nobody, says so first, and does not take its own output for photos', async () => {
    const own = join(folder, 'own');
    await cp(photos, own, { recursive: true });
    await cp(join(photos, 'person-000', '00.jpg'), join(own, 'cover.jpg'));
    const output = join(own, 'out');
    const told: string[] = [];
    const listen: PipelineEvents = {
      onWarning: (text) => told.push(text),
      onProgress: (done, total, unit) => {
        if (unit === 'photos' && done === total) told.push(`${total} photos`);
      },
    };
    const first = await runPipeline({ ...options('own/out'), photos: own, folder: output }, listen);
    expect(first.photos.total).toBe(120);
    expect(told).toEqual([expect.stringMatching(/in no identity folder: cover.jpg/), '120 photos']);
    const again = await runPipeline({ ...options('own/out'), photos: own, folder: output });
    expect(again).toEqual(first);
    await rm(join(own, 'person-001', '00.jpg'));
    const changed = runPipeline({ ...options('own/out'), photos: own, folder: output });
    await expect(changed).rejects.toThrow(/Photos have come, changed or gone since/);
    await expect(runPipeline({ ...options('own'), photos: own, folder: own })).rejects.toThrow(/over the photos/);
  });

  it('says before the long work that given pairs cannot be evaluated', async () => {
    const pairs = join(folder, 'none.txt');
    await writeFile(pairs, 'a.jpg b.jpg 1\nperson-000/00.jpg person-001/00.jpg 0\n');
    const begun: string[] = [];
    const failing = runPipeline(options('none', { pairs }), { onStage: (title) => begun.push(title) });
    await expect(failing).rejects.toThrow(/0 matched and 1 mismatched[^]*line 1: no image a.jpg[^]*person-000\/00/);
    await writeFile(pairs, 'person-000/00.jpg person-000/01.jpg\n');
    await expect(runPipeline(options('none', { pairs }))).rejects.toThrow(/none.txt, line 1 is not a pair/);
    expect(begun).toEqual([]);
  });

  it('refuses a folder that holds a pipeline with other options', async () => {
    await expect(runPipeline(options('whole', { recipes: recipes(20) }))).rejects.toThrow(/other settings/);
    await expect(runPipeline(options('whole', { holdOut: { seed: 9 } }))).rejects.toThrow(/other settings/);
  });

  it('fine-tunes a model from elsewhere, and compares before and after', async () => {
    const init = join(folder, 'any.onnx');
    await writeFile(init, smallNetwork());
    const settings = ['validation=null', 'solver.iterations=10', 'solver.batchSize=8'];
    const tuned = parseRecipe(settings.reduce<unknown>(applySetting, builtInRecipe('fine-tune')));
    const more = { recipes: { init, tuned, inputSpec: publishedInput }, control: true };
    const summary = await runPipeline(options('tuned', more));
    expect(summary.models.map(({ name }) => name)).toEqual(['before', 'without-energy', 'fine-tuned']);
    expect(summary.models.map(({ spread }) => spread === null)).toEqual([true, false, false]);
    const { report, difference } = summary.comparison!;
    const [before, , after] = summary.models;
    expect(difference.mean).toBeCloseTo(after.accuracy.mean - before.accuracy.mean, 12);
    expect(difference.interval.low).toBeLessThanOrEqual(difference.mean);
    expect(difference.interval.high).toBeGreaterThanOrEqual(difference.mean);
    const page = await readFile(report, 'utf8');
    expect(page).toContain('any.onnx, by the recipe fine-tune');
    for (const name of ['before', 'without-energy', 'fine-tuned']) expect(page).toContain(`href="${name}/index.html"`);
    const result = JSON.parse(await readFile(join(folder, 'tuned', 'reports', 'result.json'), 'utf8')) as object;
    expect(result).toMatchObject({ difference, models: { before: { auc: before.auc } } });

    const found: string[] = [];
    const again = await runPipeline(options('tuned', more), {
      onStage: (title, status) => status === 'found' && found.push(title),
    });
    expect(again).toEqual(summary);
    expect(found).toContain('train fine-tuned');
    const elsewhere = { ...publishedInput, alignment: { ...publishedInput.alignment, template: 'other' } };
    const other = options('other', { recipes: { init, tuned, inputSpec: elsewhere } });
    await expect(runPipeline(other)).rejects.toThrow(/cannot be aligned[\s\S]*template other/);
  });
});

/** A convolution and a matrix, for the published crops. */
function smallNetwork(): Uint8Array {
  const model = testModel({
    opset: 17,
    images: ['n', 3, publishedInput.height, publishedInput.width],
    nodes: [
      { op: 'Conv', inputs: ['images', 'c'], outputs: ['x1'], attributes: { strides: [8, 8] } },
      { op: 'PRelu', inputs: ['x1', 'slope'], outputs: ['x2'] },
      { op: 'Flatten', inputs: ['x2'], outputs: ['x3'] },
      { op: 'Gemm', inputs: ['x3', 'fc'], outputs: ['embedding'], attributes: { transB: 1 } },
    ],
    initializers: {
      c: hashedTensor([6, 3, 8, 8], 1, 0, 0.1),
      slope: hashedTensor([6, 1, 1], 2, 0.2, 0.1),
      fc: hashedTensor([16, 6 * 14 * 12], 3, 0, 0.05),
    },
    outputs: ['embedding'],
  });
  return encodeModel(model);
}
