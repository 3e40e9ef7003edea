import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../common/errors.js';
import { runCommand } from '../testing/command.js';
import { tinySettings, writeTinyFaces } from '../testing/tiny-faces.js';
import { builtInRecipe } from '../training/index.js';
import { registerRecipes } from './recipes.js';
import { registerTrain } from './train.js';

let scratch: string;
let faces: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-train-'));
  faces = join(scratch, 'faces');
  await writeTinyFaces(faces);
});
afterAll(() => rm(scratch, { recursive: true }));

const tiny = [...tinySettings, 'solver.iterations=7'].flatMap((setting) => ['--set', setting]);

describe('sphereface train', () => {
  it('trains, says what it does in words, and gives its result as JSON', async () => {
    const run = join(scratch, 'run');
    const { stdout, stderr, error } = await runCommand(registerTrain, [
      ...['train', faces, '--recipe', 'sphereface-m4-small', ...tiny, '-o', run, '--threads', '1', '--json'],
    ]);
    expect(error).toBeUndefined();
    expect(JSON.parse(stdout)).toMatchObject({
      folder: run,
      iteration: 7,
      status: 'finished',
      model: join(run, 'model.onnx'),
      lastLine: { iteration: 7 },
      unreadable: [],
    });
    expect(stderr).toMatch(/48 images of 6 identities/);
    expect(stderr).toMatch(/iteration 5 \| loss .* \| λ .*m ≈/);
    expect((await readFile(join(run, 'log.jsonl'), 'utf8')).trimEnd().split('\n').length).toBe(2);

    const resumed = await runCommand(registerTrain, ['train', '--resume', run, '--threads', '1', '--json']);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ iteration: 7, status: 'finished' });
  });

  it.each([
    [['train'], /needs its data/],
    [['train', 'DATA', '-o', 'RUN'], /needs its data, a recipe/],
    [['train', '--resume', 'RUN', '--set', 'seed=2'], /takes its data, recipe and folder from itself/],
    [['train', 'DATA', '--recipe', 'sphereface-m9', '-o', 'RUN'], /no recipe "sphereface-m9"/],
    [['train', 'DATA', '--recipe', 'sphereface-m4', '--set', 'solver.batchsize=1', '-o', 'RUN'], /batchsize/],
  ])('calls %j wrong usage', async (args, message) => {
    const { error } = await runCommand(registerTrain, args);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(message);
  });
});

describe('sphereface recipes', () => {
  it('lists them, and prints one in full as YAML that reads back', async () => {
    const list = await runCommand(registerRecipes, ['recipes']);
    expect(list.stdout.trimEnd().split('\n').length).toBe(16);
    const one = await runCommand(registerRecipes, ['recipes', 'sphereface-plus-m3']);
    expect(parse(one.stdout)).toEqual(builtInRecipe('sphereface-plus-m3'));
    const json = await runCommand(registerRecipes, ['recipes', 'sphereface-m1', '--json']);
    expect(JSON.parse(json.stdout)).toEqual(builtInRecipe('sphereface-m1'));
  });

  it('says what each field means, in lines that fit a terminal', async () => {
    const { stdout } = await runCommand(registerRecipes, ['recipes', 'sphereface-plus-m4-small', '--explain']);
    expect(stdout).toContain(
      'solver.schedule.type: cosine  (default multistep)\n' +
        '    Half a cosine from the base rate to final times it. One of constant, multistep, cosine,\n    polynomial.\n',
    );
    expect(stdout).toContain('solver.momentum: 0.9  (the default)\n    Share of the last step');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
    const json = await runCommand(registerRecipes, ['recipes', 'sphereface-m1', '--explain', '--json']);
    const { fields } = JSON.parse(json.stdout) as { fields: { path: string }[] };
    expect(fields.map(({ path }) => path)).toContain('loss.margin.lambda.base');
    const { error } = await runCommand(registerRecipes, ['recipes', '--explain']);
    expect(error).toBeInstanceOf(UsageError);
  });
});
