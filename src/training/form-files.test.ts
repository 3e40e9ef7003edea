// Files of measured forms: shared by the runs of a machine, fixed for a run, and done without where they cannot be had.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormFiles } from './form-files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forms-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const filesOf = (run: string) => new FormFiles(join(folder, run), join(folder, 'cache'));

describe('FormFiles', () => {
  it('keeps forms for all runs of the machine, and for a run those that it was started with', async () => {
    await filesOf('first').save(new Map([['a', 'batch']]));
    expect(await filesOf('second').load()).toEqual(new Map([['a', 'batch']]));
    await filesOf('second').save(
      new Map([
        ['a', 'pictures'],
        ['b', 'batch'],
      ]),
    );
    expect((await filesOf('first').load()).get('a')).toBe('batch');
    expect((await filesOf('first').load()).get('b')).toBe('batch');
    expect((await filesOf('second').load()).get('a')).toBe('pictures');
    const run = JSON.parse(await readFile(join(folder, 'first', 'forms.json'), 'utf8')) as { adapter: string };
    expect(run.adapter).not.toBe('');
  });

  it('takes a file that is none of these for no file', async () => {
    await filesOf('run').save(new Map([['a', 'batch']]));
    const [machine] = await readdir(join(folder, 'cache', 'forms'));
    await writeFile(join(folder, 'cache', 'forms', machine), '{"forms": ["a"]}');
    await writeFile(join(folder, 'run', 'forms.json'), '{');
    expect((await filesOf('run').load()).size).toBe(0);
  });

  it('does without where nothing can be written', async () => {
    await writeFile(join(folder, 'cache'), 'a file where the folder should be');
    await mkdir(join(folder, 'run'));
    await filesOf('run').save(new Map([['a', 'batch']]));
    expect(await filesOf('run').load()).toEqual(new Map([['a', 'batch']]));
  });
});
