// The train and recipes commands: results, wrong usage, starting models, alignment, and an interruption that is resumed.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../common/errors.js';
import { readMetadata } from '../models/index.js';
import { runCommand } from '../testing/command.js';
import { manifestOf } from '../testing/crop-manifest.js';
import { tinySettings, writeTinyFaces } from '../testing/tiny-faces.js';
import { builtInRecipe } from '../training/index.js';
import { registerAlign } from './align.js';
import { registerEmbed } from './embed.js';
import { registerList } from './list.js';
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
    [
      ['train', 'DATA', '--recipe', 'sphereface-m4', '-o', 'RUN', '--data', 'X'],
      /--data and --iterations are for a run/,
    ],
    [['train', 'DATA', '--recipe', 'sphereface-m4', '-o', 'RUN', '--init-rows', 'fresh'], /there is no model/],
    [['train', 'DATA', '--recipe', 'sphereface-m9', '-o', 'RUN'], /no recipe "sphereface-m9"/],
    [['train', 'DATA', '--recipe', 'sphereface-m4', '--set', 'solver.batchsize=1', '-o', 'RUN'], /batchsize/],
  ])('calls %j wrong usage', async (args, message) => {
    const { error } = await runCommand(registerTrain, args);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(message);
  });
});

describe('what train says of its start', () => {
  const train = (...args: string[]) => runCommand(registerTrain, ['train', ...args, '--threads', '1']);
  const recipe = ['--recipe', 'sphereface-m4-small', ...tiny];
  const still = ['solver.iterations=1', 'guard.explosion=1000'].flatMap((setting) => ['--set', setting]);

  it('is whose rows came along, through a list as well, and how the crops are aligned', async () => {
    const people = join(scratch, 'people');
    await writeTinyFaces(people, { identities: 12, each: 3, nameOf: String });
    await writeFile(join(people, 'manifest.json'), JSON.stringify(manifestOf(1, 'umeyama')));
    const first = await train(people, ...recipe, '-o', join(scratch, 'first'));
    expect(first.error).toBeUndefined();
    expect(first.stdout).toMatch(/alignment: .*umeyama.*, as the crops of .*people states/);

    const list = join(scratch, 'people.txt');
    await runCommand(registerList, ['list', people, '-o', list]);
    const second = await train(
      list,
      ...recipe,
      ...still,
      '--init',
      join(scratch, 'first'),
      '-o',
      join(scratch, 'second'),
    );
    expect(second.error).toBeUndefined();
    expect(second.stdout).toMatch(/classifier rows copied by name: 12\n/);

    const other = join(scratch, 'other');
    await writeTinyFaces(other, { identities: 12, each: 3, nameOf: (i) => (i === 11 ? '3' : `other-${i}`) });
    const model = join(scratch, 'first', 'model.onnx');
    const third = await train(other, ...recipe, ...still, '--init', model, '-o', join(scratch, 'third'));
    expect(third.stdout).toMatch(
      /copied by name: 1\n.*model does not have: other-0, .*other-9, … \(11 in all\)\n.*not in the data: 0, 1, 2, 4,.*\n.*own images: 11\n/,
    );
    const fourth = await train(
      other,
      ...recipe,
      ...still,
      '--init',
      model,
      '--init-rows',
      'fresh',
      '-o',
      join(scratch, 'fourth'),
    );
    expect(fourth.stdout).toMatch(/start fresh: fc6\.weight/);

    const wrong = await train(
      people,
      ...recipe,
      '--set',
      'input.alignment.solver=cp2tform',
      '-o',
      join(scratch, 'wrong'),
    );
    expect((wrong.error as Error).message).toMatch(/umeyama[\s\S]*cp2tform.*the recipe/);
  });

  it('is that nothing states the alignment, where nothing does', async () => {
    const { stdout } = await train(faces, ...recipe, ...still, '-o', join(scratch, 'silent'));
    expect(stdout).toMatch(/nothing states how the crops were aligned; taken for .*cp2tform/);
  });
});

describe('crops of another solver', () => {
  it('are aligned, trained on and embedded by one statement', async () => {
    const photos = join(scratch, 'photos');
    const landmarks = [60, 70, 95, 72, 78, 90, 63, 111, 92, 113];
    const points = [0, 2, 4, 6, 8].map((i) => [landmarks[i], landmarks[i + 1]]);
    const lines: string[] = [];
    for (const file of ['ann/1.png', 'ann/2.png', 'bob/1.png', 'bob/2.png']) {
      await mkdir(join(photos, file, '..'), { recursive: true });
      const background = file.startsWith('ann') ? 'teal' : 'tomato';
      await sharp({ create: { width: 160, height: 160, channels: 3, background } }).toFile(join(photos, file));
      const faces = [{ box: [40, 40, 120, 130], score: 1, landmarks: points }];
      lines.push(JSON.stringify({ file, width: 160, height: 160, faces, chosen: 0 }));
    }
    const detections = join(scratch, 'detections.jsonl');
    await writeFile(detections, lines.join('\n'));
    const crops = join(scratch, 'umeyama');
    const aligned = await runCommand(registerAlign, [
      ...['align', detections, '--photos', photos, '-o', crops, '--solver', 'umeyama', '--size', '112x112'],
    ]);
    expect(aligned.error).toBeUndefined();
    const run = join(scratch, 'run-umeyama');
    const network = 'network={depth: 4, widths: [4, 4, 4, 4], embeddingSize: 4, inputPooling: 2}';
    const settings = [network, 'solver={batchSize: 4, iterations: 1, schedule: {type: constant}}', 'log.display=1'];
    const trained = await runCommand(registerTrain, [
      ...['train', crops, '--recipe', 'sphereface-m4-small', '-o', run, '--threads', '1'],
      ...settings.flatMap((setting) => ['--set', setting]),
    ]);
    expect(trained.error).toBeUndefined();
    const model = join(run, 'model.onnx');
    expect((await readMetadata(model))!.input).toMatchObject({
      width: 96,
      alignment: { template: 'sphereface-112x96', solver: 'umeyama' },
    });
    const embed = (images: string) =>
      runCommand(registerEmbed, ['embed', model, images, '-o', join(scratch, 'e.npz'), '--threads', '1']);
    expect((await embed(crops)).error).toBeUndefined();
    const published = join(scratch, 'cp2tform');
    await runCommand(registerAlign, ['align', detections, '--photos', photos, '-o', published]);
    expect(((await embed(published)).error as Error).message).toMatch(/cp2tform[\s\S]*umeyama/);
  });
});

describe('an interrupted training', () => {
  it('ends with its checkpoint and status 130, leaves nothing behind, and goes on for longer than planned', async () => {
    const run = join(scratch, 'interrupted');
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const args = [faces, '--recipe', 'sphereface-m4-small', ...tiny, '--set', 'solver.iterations=100000', '-o', run];
    const child = spawn(process.execPath, ['--import', 'tsx', main, 'train', ...args, '--threads', '1']);
    let [stdout, stderr] = ['', ''];
    child.stderr.on('data', (text) => (stderr += String(text)));
    child.stdout.on('data', (text: Buffer) => {
      stdout += text.toString();
      if (/iteration 5 /.test(stdout)) child.kill('SIGINT');
    });
    const status = await new Promise((resolve) => child.on('exit', resolve));
    expect(stderr).toMatch(/stopping after this step/);
    expect(status).toBe(130);
    const iteration = Number(/stopped at iteration (\d+); continue with: sphereface train --resume/.exec(stdout)![1]);
    expect(Math.max(...(await readdir(join(run, 'checkpoints'))).map(Number))).toBe(iteration);
    expect((await readdir(run)).sort()).toEqual(['checkpoints', 'log.jsonl', 'recipe.json', 'run.json']);
    const resumed = await runCommand(registerTrain, [
      ...['train', '--resume', run, '--data', faces, '--iterations', String(iteration + 1), '--threads', '1'],
    ]);
    expect(resumed.error).toBeUndefined();
    expect(resumed.stdout).toMatch(/finished: /);
  });
});

describe('sphereface recipes', () => {
  it('lists them, and prints one in full as YAML that reads back', async () => {
    const list = await runCommand(registerRecipes, ['recipes']);
    expect(list.stdout.trimEnd().split('\n').length).toBe(18);
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
    expect(stdout).toContain('    if an object is given, data.cutOut.side  (default 0.4)\n        Up to this share of');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
    const json = await runCommand(registerRecipes, ['recipes', 'sphereface-m1', '--explain', '--json']);
    const { fields } = JSON.parse(json.stdout) as { fields: { path: string }[] };
    expect(fields.map(({ path }) => path)).toContain('loss.margin.lambda.base');
    const { error } = await runCommand(registerRecipes, ['recipes', '--explain']);
    expect(error).toBeInstanceOf(UsageError);
  });
});
