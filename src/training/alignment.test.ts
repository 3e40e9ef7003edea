// What crops, recipe and start state of their alignment is one thing, and it is what the run, its checkpoints and its model state.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AlignmentSpec, assertSameAlignment, openImageSource, publishedInput } from '../images/index.js';
import { readMetadata } from '../models/index.js';
import { manifestOf } from '../testing/crop-manifest.js';
import { asVersion01 } from '../testing/earlier-run.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { agreedAlignment, type RunAlignment } from './alignment.js';
import { CheckpointStore } from './checkpoint.js';
import { loadStatedRecipe } from './recipe-file.js';
import { resumeRun, startRun } from './run.js';
import type { StartOptions } from './run-setup.js';

const published = publishedInput.alignment;
const umeyama: AlignmentSpec = { ...published, solver: 'umeyama' };

describe('agreed alignment', () => {
  const data = (alignment: AlignmentSpec) => ({ data: { name: 'faces', alignment } });

  it('is what is stated, and the assumed one where nothing is', () => {
    expect(agreedAlignment(publishedInput, {})).toEqual({ alignment: published, statedBy: [] });
    const stated = agreedAlignment(publishedInput, { recipe: umeyama, ...data(umeyama) });
    expect(stated).toEqual({ alignment: umeyama, statedBy: ['the recipe', 'the crops of faces'] });
  });

  it('names both who contradict each other', () => {
    const start = { name: 'old.onnx', alignment: published };
    expect(() => agreedAlignment(publishedInput, { start, ...data(umeyama) })).toThrow(
      /crops of faces: .*umeyama[\s\S]*cp2tform.*old\.onnx/,
    );
    expect(() => agreedAlignment(publishedInput, { recipe: published, ...data({ ...published, version: 2 }) })).toThrow(
      /version 2[\s\S]*version 1, as the recipe/,
    );
  });

  it('of wide crops is that of the narrow ones where they are cut to them, and only there', () => {
    const wide = { ...umeyama, template: 'sphereface-112x112' };
    expect(agreedAlignment(publishedInput, data(wide)).alignment).toEqual(umeyama);
    expect(() => {
      assertSameAlignment({ ...publishedInput, alignment: umeyama }, wide);
    }).not.toThrow();
    expect(agreedAlignment({ ...publishedInput, width: 112 }, data(wide)).alignment).toEqual(wide);
    expect(() => agreedAlignment({ ...publishedInput, width: 112 }, { recipe: umeyama, ...data(wide) })).toThrow();
  });
});

describe('a recipe', () => {
  it('tells an alignment of its own from one that it was resolved to', async () => {
    const stated = async (...settings: string[]) => (await loadStatedRecipe('sphereface-m4', settings)).statedInput;
    expect(await stated()).toEqual({});
    expect(await stated('input.width=112')).toEqual({ width: 112 });
    expect(await stated('input.alignment.solver=cp2tform')).toEqual({ alignment: published });
  });
});

describe('a run', () => {
  let scratch: string;
  let silent: string;
  let crops: string;
  let run: string;
  let runs = 0;
  const start = async (options: Partial<StartOptions> & { readonly data: string }) => {
    const folder = join(scratch, `run-${++runs}`);
    let alignment: RunAlignment | undefined;
    const recipe = tinyRecipe('solver.iterations=1');
    const onStart: StartOptions['onStart'] = (about) => (alignment = about.alignment);
    await startRun({ recipe, folder, threads: 1, onStart, ...options });
    return { folder, alignment: alignment! };
  };
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'alignment-'));
    silent = join(scratch, 'silent');
    crops = join(scratch, 'crops');
    for (const folder of [silent, crops]) await writeTinyFaces(folder, { identities: 3, each: 3 });
    await writeFile(join(crops, 'manifest.json'), JSON.stringify(manifestOf(1, 'umeyama')));
    run = (await start({ data: crops })).folder;
  });
  afterAll(() => rm(scratch, { recursive: true }));

  it('takes it from the crops into recipe, checkpoint and model, which then take these crops', async () => {
    const { input } = JSON.parse(await readFile(join(run, 'recipe.json'), 'utf8')) as {
      input: { alignment: AlignmentSpec };
    };
    expect(input.alignment).toEqual(umeyama);
    const model = (await readMetadata(join(run, 'model.onnx')))!;
    expect(model.input).toEqual(input);
    expect((await new CheckpointStore(join(run, 'checkpoints'), 1).latest())!.input).toEqual(input);
    const source = await openImageSource(crops);
    expect(source.alignment).toEqual(umeyama);
    assertSameAlignment(model.input, source.alignment);
    await source.dispose();
    await expect(resumeRun(run, { threads: 1 })).resolves.toMatchObject({ status: 'finished' });
  });

  it('takes it from a list of them', async () => {
    await mkdir(join(scratch, 'lists'));
    const list = join(scratch, 'lists', 'train.txt');
    const lines = [0, 1].flatMap((i) => [0, 1].map((k) => `../crops/person-0${i}/0${k}.png ${i}\n`));
    await writeFile(list, lines.join(''));
    const { alignment } = await start({ data: list });
    expect(alignment).toEqual({ alignment: umeyama, statedBy: [`the crops of ${list}`] });
  });

  it('refuses crops that contradict the recipe or the start', async () => {
    await expect(start({ data: crops, statedInput: { alignment: published } })).rejects.toThrow(
      /umeyama[\s\S]*cp2tform/,
    );
    const recipe = tinyRecipe('input.alignment.solver=other');
    await expect(start({ data: crops, recipe })).rejects.toThrow(/umeyama[\s\S]*other/);
    const other = join(scratch, 'other');
    await writeTinyFaces(other, { identities: 3, each: 3 });
    await writeFile(join(other, 'manifest.json'), JSON.stringify(manifestOf(1)));
    for (const init of [run, join(run, 'model.onnx'), join(run, 'checkpoints', '1', 'parameters.safetensors')])
      await expect(start({ data: other, init })).rejects.toThrow(/crops of .*other.*cp2tform[\s\S]*umeyama.*the start/);
  });

  it('takes it from the start where the crops say nothing, and says when nothing does', async () => {
    expect((await start({ data: silent, init: run })).alignment.alignment).toEqual(umeyama);
    expect((await start({ data: silent })).alignment).toEqual({ alignment: published, statedBy: [] });
  });

  it('refuses at its resumption crops that state another; one of version 0.1, which only assumed it, takes theirs', async () => {
    const { folder } = await start({ data: silent });
    await writeFile(join(silent, 'manifest.json'), JSON.stringify(manifestOf(1, 'umeyama')));
    await expect(resumeRun(folder, { threads: 1 })).rejects.toThrow(/umeyama[\s\S]*cp2tform/);
    const source = await openImageSource(silent);
    const images = source.entries.map(({ file, identity }) => ({ file, label: identity }));
    await source.dispose();
    await asVersion01(folder, images);
    const warnings: string[] = [];
    await resumeRun(folder, { threads: 1, onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual([expect.stringMatching(/0\.1 took .*cp2tform.*umeyama/)]);
    expect((await readMetadata(join(folder, 'model.onnx')))!.input.alignment).toEqual(umeyama);
  });
});
