// The list command: lists that open as images, what is left out and why, exclude lists in other encodings.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
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

  it('says what it leaves out: strays, links, what is no image', async () => {
    const folder = join(scratch, 'odd');
    await mkdir(join(folder, 'ann'), { recursive: true });
    for (const file of ['cover.png', 'ann/1.png']) await writeFile(join(folder, file), pictures.get('ann/1.png')!);
    await writeFile(join(folder, 'ann', 'notes.txt'), 'x');
    await symlink(join(scratch, 'nowhere.png'), join(folder, 'ann', 'gone.png'));
    const list = join(scratch, 'odd.txt');
    const { error, stdout, stderr } = await runCommand(registerList, ['list', folder, '-o', list, '--json']);
    expect(error).toBeUndefined();
    expect(await readFile(list, 'utf8')).toBe('odd/ann/1.png 0\n');
    const result = JSON.parse(stdout) as { strays: string[]; refused: { file: string }[] };
    expect(result.strays).toEqual(['cover.png']);
    expect(result.refused.map(({ file }) => file)).toEqual(['ann/gone.png']);
    expect(stderr).toMatch(/in no identity folder: cover\.png[^]*no images: .*txt[^]*ann\/gone\.png/);
  });

  it.each([
    ['UTF-16', Buffer.from('\uFEFFann\r\nno-one\r\n', 'utf16le'), 'no-one'],
    ['a code page', Buffer.from('ann\nZoë Müller\n', 'latin1'), 'Zoë Müller'],
  ])('reads an exclude list in %s', async (_, bytes, absent) => {
    const exclude = join(scratch, 'exclude.txt');
    await writeFile(exclude, bytes);
    const list = join(scratch, 'kept.txt');
    const { error, stderr } = await runCommand(registerList, [
      ...['list', join(scratch, 'aligned'), '-o', list, '--exclude', exclude],
    ]);
    expect(error).toBeUndefined();
    expect(await readFile(list, 'utf8')).toBe('aligned/bob/1.png 0\naligned/bob/2.png 0\n');
    expect(stderr).toContain(`${absent} is on the exclude list, but there is no such identity`);
    expect(stderr.includes('is not in UTF-8; it was read as')).toBe(absent !== 'no-one');
  });

  it('refuses a folder of nobody, and says how to make folders of names', async () => {
    const { error } = await runCommand(registerList, [
      'list',
      join(scratch, 'aligned', 'ann'),
      '-o',
      join(scratch, 'x'),
    ]);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/No image lies in an identity folder[^]*--identity-from/);
  });

  it('leaves out paths that no line can hold, and names them in one', async () => {
    const images = join(scratch, 'unlistable');
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
