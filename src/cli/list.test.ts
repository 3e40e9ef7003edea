import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImageSource } from '../images/index.js';
import { runCommand } from '../testing/command.js';
import { writeZip } from '../testing/zip-writer.js';
import { registerList } from './list.js';

let scratch: string;
const files = ['ann/1.png', 'ann/2.png', 'bob/1.png', 'bob/2.png'];
const pictures = new Map<string, Buffer>();

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-list-'));
  for (const [index, file] of files.entries()) {
    pictures.set(
      file,
      await sharp({ create: { width: 4, height: 4, channels: 3, background: `rgb(${index},0,0)` } })
        .png()
        .toBuffer(),
    );
    await mkdir(join(scratch, 'aligned', file, '..'), { recursive: true });
    await writeFile(join(scratch, 'aligned', file), pictures.get(file)!);
  }
  await writeFile(join(scratch, 'aligned.zip'), writeZip(files.map((name) => ({ name, data: pictures.get(name)! }))));
  await mkdir(join(scratch, 'lists'));
});
afterAll(() => rm(scratch, { recursive: true }));

describe('sphereface list', () => {
  it.each([
    ['aligned', 'train.txt', 'aligned/'],
    ['aligned', 'lists/train.txt', '../aligned/'],
    ['aligned.zip', 'lists/train.txt', '../aligned.zip/'],
    ['aligned', 'aligned/train.txt', ''],
  ])('writes a list of %s at %s that opens as images', async (images, list, prefix) => {
    const path = join(scratch, list);
    const { error } = await runCommand(registerList, ['list', join(scratch, images), '-o', path]);
    expect(error).toBeUndefined();
    expect((await readFile(path, 'utf8')).split('\n')).toEqual([
      ...files.map((file) => `${prefix}${file} ${file.startsWith('ann') ? 0 : 1}`),
      '',
    ]);
    const source = await openImageSource(path);
    expect(source.entries.map(({ identity }) => identity)).toEqual(['ann', 'ann', 'bob', 'bob']);
    for (const [index, file] of files.entries()) {
      expect(Buffer.from(await source.read(index)).equals(pictures.get(file)!)).toBe(true);
    }
    await source.dispose();
  });

  it('leaves out paths that no line can hold, and names them in one', async () => {
    const images = join(scratch, 'odd');
    for (const folder of ['ann', 'new\nline', 'tab\tname', ' blank', '# hash'])
      await mkdir(join(images, folder), { recursive: true });
    for (const folder of ['ann', 'new\nline', 'tab\tname', ' blank', '# hash'])
      await writeFile(join(images, folder, '1.png'), pictures.get(files[0])!);
    const path = join(images, 'list.txt');
    const { stderr, error } = await runCommand(registerList, ['list', images, '-o', path, '--no-duplicates']);
    expect(error).toBeUndefined();
    expect(stderr).toContain('warning: new\\nline/1.png is left out: no line of a list can hold this path\n');
    expect(stderr.match(/is left out/g)).toHaveLength(3);
    const source = await openImageSource(path);
    expect(source.entries.map(({ file }) => file)).toEqual(['# hash/1.png', 'ann/1.png']);
    await source.dispose();
  });
});
