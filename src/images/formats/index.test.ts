import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
