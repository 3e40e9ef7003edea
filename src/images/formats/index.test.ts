// Opening a source: which format it is, a format added, the table in docs/formats.md, identities by a pattern, what is odd.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestOf } from '../../testing/crop-manifest.js';
import { csvFormat } from '../../testing/csv-format.js';
import { useScratch } from '../../testing/scratch.js';
import { describeFormats, documentFormats, imageFormats } from './index.js';
import { memorySource } from './memory.js';

const scratch = useScratch();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('openImageSource', () => {
  it('refuses files of another kind', async () => {
    await writeFile(join(scratch.folder, 'x.dat'), Buffer.from([1, 2, 0, 3]));
    await expect(scratch.open(join(scratch.folder, 'x.dat'))).rejects.toThrow(/no source of images/);
    await writeFile(join(scratch.folder, 'x.zip'), 'text');
    await expect(scratch.open(join(scratch.folder, 'x.zip'))).rejects.toThrow(/not a zip file/);
    await writeFile(
      join(scratch.folder, 'x.zip'),
      'version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n',
    );
    await expect(scratch.open(join(scratch.folder, 'x.zip'))).rejects.toThrow(/a Git LFS pointer[^]*git lfs pull/);
  });

  it('opens a format that is added by one file and one registration', async () => {
    await scratch.put('faces/1.jpg');
    const path = await scratch.put('faces.csv', 'file,name\nfaces/1.jpg,ann\n');
    const formats = [csvFormat, ...imageFormats];
    const source = await scratch.open(path, { formats });
    expect(source).toMatchObject({ kind: 'csv', entries: [{ file: 'faces/1.jpg', identity: 'ann' }] });
    expect(text(await source.read(0))).toBe('faces/1.jpg');
    expect(describeFormats(formats)).toMatch(/^a table of faces \(\.csv\), a folder of identity folders, /);
    expect(documentFormats(formats)).toContain('| csv | `file,name` lines | the name | as listed |');
    await expect(scratch.open(join(scratch.folder, 'nothing'), { formats })).rejects.toThrow(/a table of faces/);
  });

  it('is documented by its table', async () => {
    const page = await readFile(new URL('../../../docs/formats.md', import.meta.url), 'utf8');
    const squeezed = page.replace(/ +\|/g, ' |').replace(/\| -+(?= \|)/g, '| ---');
    expect(squeezed, 'docs/formats.md: replace the table by documentFormats()').toContain(documentFormats());
  });
});

describe('a single image', () => {
  it('is a source of one, by content or by extension', async () => {
    const jpeg = await readFile(new URL('../fixtures/face.jpg', import.meta.url));
    for (const [name, content] of [
      ['a/face.jpg', jpeg],
      ['a/face', jpeg],
      ['a/broken.png', 'text'],
    ] as const) {
      const source = await scratch.open(await scratch.put(name, content));
      expect(source).toMatchObject({ kind: 'photo', entries: [{ file: name.slice(2), identity: '' }] });
      expect(text(await source.read(0))).toBe(Buffer.from(content).toString());
      await expect(source.read(1)).rejects.toThrow(RangeError);
    }
  });

  it('states the alignment of the folder that it comes from', async () => {
    await scratch.put('crops/manifest.json', JSON.stringify(manifestOf(5)));
    const source = await scratch.open(await scratch.put('crops/ann/1.jpg'));
    expect(source.alignment).toEqual(manifestOf(5).alignment);
  });
});

describe('identities by a pattern', () => {
  const files = ['ann_lee_001.jpg', 'ann_lee_002.jpg', 'Zoe\u0308_1.jpg', 'x.jpg'];

  it.each([
    ['{identity}_*', ['Zo\u00eb', 'ann_lee', 'ann_lee', '']],
    ['{identity}_???.jpg', ['', 'ann_lee', 'ann_lee', '']],
    ['^([a-z]+)_', ['', 'ann', 'ann', '']],
    [/^([^_]+)_/g, ['Zo\u00eb', 'ann', 'ann', '']],
  ])('%s', async (identityFrom, expected) => {
    for (const file of files) await scratch.put(file);
    const source = await scratch.open(scratch.folder, { identityFrom });
    expect(source.entries.map(({ identity }) => identity)).toEqual(expected);
    expect(source.warnings[0]).toMatch(/no identity folder: .*x\.jpg/);
  });

  it('looks at the whole path if it has a slash, and at a list too', async () => {
    await scratch.put('train/ann/1.jpg');
    await scratch.put('val/bob/1.jpg');
    const source = await scratch.open(scratch.folder, { identityFrom: '*/{identity}/*' });
    expect(source.entries.map(({ identity }) => identity)).toEqual(['ann', 'bob']);
    for (const file of ['a-1.jpg', 'b-1.jpg']) await scratch.put(file);
    const list = await scratch.open(await scratch.put('l.txt', 'a-1.jpg 0\nb-1.jpg 0\n'), {
      identityFrom: '{identity}-*',
    });
    expect(list.entries.map(({ identity }) => identity)).toEqual(['a', 'b']);
  });

  it.each(['name_*', '(a)(b)', '{identity}/{identity}', '(', 'a(?:b)'])(
    'is refused where it names nobody: %s',
    async (pattern) => {
      await scratch.put('a/1.jpg');
      await expect(scratch.open(scratch.folder, { identityFrom: pattern })).rejects.toThrow(
        /where the identity stands/,
      );
    },
  );
});

describe('what is odd about a source', () => {
  it('is said: photos at the top, train and val taken for people, names that differ in case', async () => {
    await scratch.put('cover.jpg');
    for (const name of ['Ann/1.jpg', 'ann/1.jpg', 'bob/1.jpg']) await scratch.put(name);
    expect((await scratch.open(scratch.folder)).warnings).toEqual([
      '1 image lies in no identity folder: cover.jpg',
      'identities that differ in case only are different people: Ann and ann',
    ]);
  });

  it('is said: folders that divide a set', async () => {
    for (const name of ['train/ann/1.jpg', 'train/bob/1.jpg', 'val/cai/1.jpg']) await scratch.put(name);
    expect((await scratch.open(scratch.folder)).warnings).toEqual([
      expect.stringMatching(/^train, val are taken for people/),
    ]);
    expect((await scratch.open(join(scratch.folder, 'train'))).warnings).toEqual([]);
  });

  it('is nothing where there is nothing', async () => {
    for (const name of ['1.jpg', '2.jpg']) await scratch.put(name);
    expect((await scratch.open(scratch.folder)).warnings).toEqual([]);
  });
});

describe('memorySource', () => {
  it('gives the images in their order, by the folder or the name given', async () => {
    await using source = memorySource([
      { file: 'bob/1.jpg', bytes: Buffer.from('b') },
      { file: '1.jpg', bytes: Buffer.from('a'), identity: 'ann' },
    ]);
    expect(source.entries.map(({ identity }) => identity)).toEqual(['bob', 'ann']);
    expect(text(await source.read(1))).toBe('a');
    await expect(source.read(2)).rejects.toThrow(RangeError);
    const twice = { file: 'a/1.jpg', bytes: new Uint8Array() };
    expect(() => memorySource([twice, twice])).toThrow(/a\/1.jpg/);
  });
});
