// People held out of training: who they are, which state of a run becomes its model, when a run ends, and that all of it resumes.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImageSource } from '../images/index.js';
import { readClassifier, readParameters } from '../models/index.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { CheckpointStore } from './checkpoint.js';
import { datasetOf } from './dataset.js';
import { divided } from './held-out.js';
import { readInitialWeights } from './initial-weights.js';
import type { LogLine } from './log.js';
import { resumeRun, startRun } from './run.js';
import type { StartOptions } from './run-setup.js';
import { judged, type Measurement, type ValidationState } from './validation-state.js';

let scratch: string;
let data: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'validation-'));
  data = join(scratch, 'faces');
  await writeTinyFaces(data, { identities: 10, each: 6 });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const held = ['validation={share: 0.4, pairs: 40, every: 4, measure: accuracy}', 'log.checkpoint=100', 'log.keep=1'];
const threads = 1;
const start = (name: string, settings: readonly string[], options: Partial<StartOptions> = {}) =>
  startRun({ recipe: tinyRecipe(...held, ...settings), data, folder: join(scratch, name), threads, ...options });

describe('data divided by people', () => {
  it('keeps some away from training, the same for the same seed, and draws pairs among them', async () => {
    await using source = await openImageSource(data);
    const whole = datasetOf(source);
    const { training, heldOut } = divided(whole, tinyRecipe(...held));
    expect([...training.identities, ...heldOut!.identities].sort()).toEqual([...whole.identities].sort());
    expect(heldOut!.identities).toHaveLength(4);
    const identityOf = (index: number): string => whole.identities[whole.labels[index]];
    for (const { left, right, same } of heldOut!.pairs) {
      expect(heldOut!.identities).toContain(identityOf(left));
      expect(identityOf(left) === identityOf(right)).toBe(same);
    }
    training.source.entries.forEach(({ file }, index) => {
      expect(file).toContain(training.identities[training.labels[index]]);
    });
    expect(divided(whole, tinyRecipe(...held)).heldOut!.pairs).toEqual(heldOut!.pairs);
    expect(divided(whole, tinyRecipe(...held, 'seed=2')).heldOut!.identities).not.toEqual(heldOut!.identities);
    expect(divided(whole, tinyRecipe())).toEqual({ training: whole, heldOut: undefined });
  });
});

describe('the best state', () => {
  it('is the first of equally good ones, by the measure that the recipe names', () => {
    const of = (iteration: number, accuracy: number, auc: number): Measurement => ({
      iteration,
      accuracy,
      tar: 0,
      auc,
    });
    const all = [of(0, 0.5, 0.6), of(10, 0.7, 0.5), of(20, 0.7, 0.9), of(30, 0.6, 0.8)];
    const options = { share: 0.1, pairs: 1, every: 10, patience: null };
    const best = (measure: 'accuracy' | 'auc') =>
      all.reduce<ValidationState | undefined>((state, now) => judged(state, now, { ...options, measure }), undefined);
    expect(best('accuracy')).toEqual({ start: all[0], best: all[1], worse: 2 });
    expect(best('auc')).toEqual({ start: all[0], best: all[2], worse: 1 });
  });
});

describe('a run that holds people out', () => {
  it('gives its best state as the model, and the same after an interruption', async () => {
    const settings = ['solver.iterations=20', 'solver.baseLearningRate=0.05'];
    const whole = await start('whole', settings);
    const { best } = whole.validation!;
    expect(best.accuracy).toBeGreaterThan(whole.validation!.start.accuracy);
    expect([4, 8, 12, 16]).toContain(best.iteration);
    const lines = (await readFile(join(whole.folder, 'log.jsonl'), 'utf8')).trimEnd().split('\n');
    const log = lines.map((line) => JSON.parse(line) as LogLine);
    expect(log.find(({ iteration }) => iteration === best.iteration)).toMatchObject({
      validationAccuracy: best.accuracy,
    });
    expect(log.find(({ iteration }) => iteration === 5)!.validationAuc).toBeNull();
    // Beside the newest checkpoint that of the best state is kept, and a fine-tune starts from it.
    const store = new CheckpointStore(join(whole.folder, 'checkpoints'), 1);
    expect(await store.iterations()).toEqual([best.iteration, 20]);
    const { parameters } = await store.read(best.iteration);
    const model = await readParameters(whole.model!);
    for (const [name, { data }] of model) expect(data, name).toEqual(parameters.get(name)!.data);
    expect((await readClassifier(whole.model!))!.identities).toHaveLength(6);
    expect((await readInitialWeights(whole.folder)).parameters).toEqual(parameters);

    for (const at of [best.iteration, best.iteration + 2]) {
      const stop = new AbortController();
      const onStep = (iteration: number) => {
        if (iteration === at) stop.abort();
      };
      const broken = await start(`broken-${at}`, settings, { signal: stop.signal, onStep });
      expect(broken.iteration).toBe(at);
      const resumed = await resumeRun(broken.folder, { threads });
      expect(resumed.validation).toEqual(whole.validation);
      expect((await readFile(resumed.model!)).equals(await readFile(whole.model!))).toBe(true);
    }
  });

  it('ends when it gets no better, with its start as the model if nothing was', async () => {
    const measured: number[] = [];
    const onMeasurement = ({ iteration }: Measurement) => measured.push(iteration);
    // Nothing moves, so that nothing is better than the start.
    const settings = ['solver.baseLearningRate=1e-12', 'validation.patience=3'];
    const { iteration, status, validation, model, folder } = await start('patient', settings, { onMeasurement });
    expect({ iteration, status }).toEqual({ iteration: 12, status: 'finished' });
    expect(measured).toEqual([0, 4, 8, 12]);
    expect(validation!.best.iteration).toBe(0);
    const { parameters } = await new CheckpointStore(join(folder, 'checkpoints'), 1).read(0);
    for (const [name, { data }] of await readParameters(model!)) expect(data, name).toEqual(parameters.get(name)!.data);
    expect(await resumeRun(folder, { threads })).toMatchObject({ iteration: 12, status: 'finished' });
  });

  it('needs people to hold out', async () => {
    await expect(start('few', ['validation.share=0.95'])).rejects.toThrow(/too few identities/);
  });
});
