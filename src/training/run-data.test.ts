// Runs that go on: on the same data elsewhere, for longer, and in a folder where an earlier attempt never began.
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { openImageSource } from '../images/index.js';
import { readMetadata } from '../models/index.js';
import { asVersion01 } from '../testing/earlier-run.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { writeZip } from '../testing/zip-writer.js';
import { CheckpointStore } from './checkpoint.js';
import type { Recipe } from './recipe.js';
import { resumeRun, startRun } from './run.js';

const threads = 1;
let scratch: string;
let faces: string;
let runs = 0;
const newFolder = () => join(scratch, `run-${++runs}`);

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'run-data-'));
  faces = join(scratch, 'faces');
  await writeTinyFaces(faces);
});
afterAll(() => rm(scratch, { recursive: true }));

/** A run that was stopped after 2 of 6 steps. */
async function stopped(data: string, ...settings: string[]): Promise<string> {
  const folder = newFolder();
  const stop = new AbortController();
  const onStep = (iteration: number) => {
    if (iteration === 2) stop.abort();
  };
  const recipe = tinyRecipe('solver.iterations=6', ...settings);
  await startRun({ data, recipe, folder, threads, onStep, signal: stop.signal });
  return folder;
}

const weightsOf = (run: string) => readFile(join(run, 'checkpoints', '6', 'parameters.safetensors'));

describe('data that moved', () => {
  it('are found again as a folder, a zip and a list, and give the same bits', async () => {
    const whole = newFolder();
    await startRun({ data: faces, recipe: tinyRecipe('solver.iterations=6'), folder: whole, threads });
    const moved = join(scratch, 'moved');
    await cp(faces, moved, { recursive: true });
    const source = await openImageSource(moved);
    const images = source.entries.map(({ file }, index) => ({ file, index }));
    const parts = await Promise.all(
      images.map(async ({ file, index }) => ({ name: file, data: await source.read(index) })),
    );
    await source.dispose();
    const zip = join(scratch, 'faces.zip');
    await writeFile(zip, writeZip(parts.toReversed()));
    await mkdir(join(scratch, 'lists'));
    const list = join(scratch, 'lists', 'faces.txt');
    const lines = images.map(
      ({ file }) => `../moved/${file} ${file.slice(0, 9) === 'person-00' ? 'x' : file.slice(0, 9)}\n`,
    );
    await writeFile(list, lines.toReversed().join(''));
    for (const place of [moved, zip, list]) {
      const gone = join(scratch, 'gone');
      await cp(faces, gone, { recursive: true });
      const run = await stopped(gone);
      await rm(gone, { recursive: true });
      await expect(resumeRun(run, { threads })).rejects.toThrow(/no longer at[\s\S]*--data DATA/);
      await resumeRun(run, { threads, data: place });
      expect((await weightsOf(run)).equals(await weightsOf(whole)), place).toBe(true);
      // The new place is remembered.
      await expect(resumeRun(run, { threads })).resolves.toMatchObject({ status: 'finished' });
    }
  });

  it('are refused when they are others, by name or by content', async () => {
    const run = await stopped(faces);
    const record = await readFile(join(run, 'run.json'));
    const fewer = join(scratch, 'fewer');
    await cp(faces, fewer, { recursive: true });
    await rm(join(fewer, 'person-03', '02.png'));
    await expect(resumeRun(run, { threads, data: fewer })).rejects.toThrow(/47 images[\s\S]*48 images/);
    const people = join(scratch, 'people');
    await writeTinyFaces(people, { nameOf: (i) => `person-1${i}` });
    await expect(resumeRun(run, { threads, data: people })).rejects.toThrow(/new: person-10.*missing: person-00/);
    const replaced = join(scratch, 'replaced');
    await writeTinyFaces(replaced, { seed: 2 });
    await expect(resumeRun(run, { threads, data: replaced })).rejects.toThrow(/48 of 48 sampled images.*00\.png/);
    const one = join(scratch, 'one');
    await cp(faces, one, { recursive: true });
    await cp(join(replaced, 'person-05', '07.png'), join(one, 'person-05', '07.png'));
    await expect(resumeRun(run, { threads, data: one })).rejects.toThrow(/1 of 48 sampled images.*person-05\/07\.png/);
    expect((await readFile(join(run, 'run.json'))).equals(record)).toBe(true);
  });

  it('are told by their names for a run of version 0.1', async () => {
    const run = await stopped(faces);
    const source = await openImageSource(faces);
    const images = source.entries.map(({ file, identity }) => ({ file, label: identity }));
    await source.dispose();
    await asVersion01(run, images);
    const elsewhere = join(scratch, 'elsewhere');
    await cp(faces, elsewhere, { recursive: true });
    await rename(join(elsewhere, 'person-03', '02.png'), join(elsewhere, 'person-03', '22.png'));
    await expect(resumeRun(run, { threads, data: elsewhere })).rejects.toThrow(/with the same names/);
    await rename(join(elsewhere, 'person-03', '22.png'), join(elsewhere, 'person-03', '02.png'));
    await expect(resumeRun(run, { threads, data: elsewhere })).resolves.toMatchObject({ status: 'finished' });
  });
});

describe('more iterations', () => {
  it('lengthen a finished run to the bits of a run of that length', async () => {
    const [long, short] = [newFolder(), newFolder()];
    const settings = ['solver.iterations=6', 'solver.schedule={type: multistep, steps: [2, 5]}'];
    await startRun({ data: faces, recipe: tinyRecipe(...settings), folder: long, threads });
    await startRun({ data: faces, recipe: tinyRecipe(...settings, 'solver.iterations=4'), folder: short, threads });
    const warnings: string[] = [];
    const onWarning = (text: string) => void warnings.push(text);
    const result = await resumeRun(short, { threads, iterations: 6, onWarning });
    expect(result).toMatchObject({ status: 'finished', iteration: 6 });
    expect(warnings).toEqual([]);
    expect((await weightsOf(short)).equals(await weightsOf(long))).toBe(true);
    const recipe = JSON.parse(await readFile(join(short, 'recipe.json'), 'utf8')) as Recipe;
    expect(recipe.solver.iterations).toBe(6);
    expect(JSON.parse((await readMetadata(join(short, 'model.onnx')))!.recipe!)).toEqual(recipe);
    await expect(resumeRun(short, { threads, iterations: 5 })).rejects.toThrow(/more than the 6 that are done/);
  });

  it.each(['cosine', 'polynomial'])('stretch a %s schedule, with a warning that gives the rates', async (type) => {
    const run = newFolder();
    const recipe = tinyRecipe('solver.iterations=4', `solver.schedule={type: ${type}}`);
    await startRun({ data: faces, recipe, folder: run, threads });
    const warnings: string[] = [];
    await resumeRun(run, { threads, iterations: 8, onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`${type} schedule .* from 4 to 8.* 0\\.0250 after 0\\.0`)),
    ]);
  });
});

describe('a run that never began', () => {
  it('is no obstacle: crops of a wrong size are refused before anything is written', async () => {
    const folder = newFolder();
    const recipe = tinyRecipe('input.width=24', 'solver.iterations=1');
    const failed = startRun({ data: faces, recipe, folder, threads });
    await expect(failed).rejects.toThrow(/person-00.*16 wide, 16 high[\s\S]*24 wide and 16 high/);
    expect(await readdir(folder).catch(() => [])).toEqual([]);
    await startRun({ data: faces, recipe: tinyRecipe('solver.iterations=1'), folder, threads });
  });

  it('is no obstacle: a failure of the first step, and what version 0.1 or a kill left', async () => {
    const folder = newFolder();
    const recipe = tinyRecipe('solver.iterations=1');
    const exploding = tinyRecipe('guard.explosion=1e-9');
    await expect(startRun({ data: faces, recipe: exploding, folder, threads })).rejects.toThrow(/exploded/);
    await expect(resumeRun(folder, { threads })).rejects.toThrow(/holds no run/);
    await startRun({ data: faces, recipe, folder, threads });

    const killed = newFolder();
    const stop = new AbortController();
    stop.abort();
    await startRun({ data: faces, recipe, folder: killed, threads, signal: stop.signal });
    expect(await new CheckpointStore(join(killed, 'checkpoints'), 1).iterations()).toEqual([0]);
    await startRun({ data: faces, recipe, folder: killed, threads });
    await expect(startRun({ data: faces, recipe, folder: killed, threads })).rejects.toThrow(UsageError);
  });

  it('is not taken for one when run.json alone is missing', async () => {
    const run = await stopped(faces);
    await rm(join(run, 'run.json'));
    await expect(startRun({ data: faces, recipe: tinyRecipe(), folder: run, threads })).rejects.toThrow(/no run\.json/);
  });
});

describe('a damaged run', () => {
  it.each([
    ['run.json', '{"format": 2,', /run\.json is not JSON[\s\S]*--init/],
    ['run.json', '', /run\.json is not JSON[\s\S]*nothing/],
    ['run.json', '{"format": 3}', /run\.json does not have the expected form/],
    ['recipe.json', 'x', /recipe\.json is not JSON/],
    ['recipe.json', '{"solver": {"iterations": "many"}}', /recipe\.json is not valid[\s\S]*solver\.iterations/],
  ])('says which file is wrong and what to do: %s %j', async (file, content, message) => {
    const run = await stopped(faces);
    await writeFile(join(run, file), content);
    const failure = await resumeRun(run, { threads }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SphereFaceError);
    expect(failure).not.toBeInstanceOf(UsageError);
    expect((failure as Error).message).toMatch(message);
  });

  it('names the checkpoint file that an initial model cannot be read from', async () => {
    const run = await stopped(faces);
    const checkpoint = join(run, 'checkpoints', '2');
    const start = () => startRun({ data: faces, recipe: tinyRecipe(), folder: newFolder(), threads, init: checkpoint });
    await writeFile(join(checkpoint, 'parameters.safetensors'), 'x');
    await expect(start()).rejects.toThrow(/2.parameters\.safetensors is not valid/);
    await writeFile(join(checkpoint, 'state.json'), '{');
    await expect(start()).rejects.toThrow(/2.state\.json is not JSON/);
  });
});
