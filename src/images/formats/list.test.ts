import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useScratch } from '../../testing/scratch.js';
import { manifestOf } from '../../testing/crop-manifest.js';
import { writeZip } from '../../testing/zip-writer.js';
import { listIdentities, type ListedPerson } from './list-identities.js';

const scratch = useScratch();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const identities = async (path: string): Promise<string[]> =>
  (await scratch.open(path)).entries.map(({ identity }) => identity);

describe('a list', () => {
  it('keeps its order and takes the last word as label', async () => {
    await scratch.put('a/1 of 2.jpg');
    await scratch.put('b/1.jpg');
    const path = await scratch.put('train.txt', '# a comment\n#\nb/1.jpg 1\r\n\na/1 of 2.jpg\t0\n');
    const source = await scratch.open(path);
    expect(source.kind).toBe('list');
    expect(source.entries).toEqual([
      { file: 'b/1.jpg', identity: 'b' },
      { file: 'a/1 of 2.jpg', identity: 'a' },
    ]);
    expect(text(await source.read(1))).toBe('a/1 of 2.jpg');
  });

  it('reads from another root, by absolute path, and out of zips', async () => {
    const absolute = await scratch.put('x/1.jpg');
    await writeFile(
      join(scratch.folder, 'x', 'faces.zip'),
      writeZip([{ name: 'a/1.jpg', data: Buffer.from('zipped') }]),
    );
    await scratch.put('x/folder.zip/a/1.jpg');
    const path = await scratch.put(
      'lists/train.txt',
      `1.jpg 0\n${absolute} 0\nfaces.zip/a/1.jpg 1\nfolder.zip/a/1.jpg 1\n`,
    );
    const source = await scratch.open(path, { root: join(scratch.folder, 'x') });
    expect(text(await source.read(0))).toBe('x/1.jpg');
    expect(text(await source.read(1))).toBe('x/1.jpg');
    expect(text(await source.read(2))).toBe('zipped');
    expect(text(await source.read(3))).toBe('x/folder.zip/a/1.jpg');
  });

  it('names the line that is wrong', async () => {
    await expect(scratch.open(await scratch.put('a.txt', 'a/1.jpg 0\nlabel-missing\n'))).rejects.toThrow(
      /Line 2[^]*label-missing/,
    );
    await expect(scratch.open(await scratch.put('b.txt', 'a/1.jpg 0\na/1.jpg 1\n'))).rejects.toThrow(
      /Line 2[^]*second time/,
    );
    await writeFile(join(scratch.folder, 'faces.zip'), writeZip([{ name: 'a/1.jpg', data: Buffer.from('zipped') }]));
    await expect(scratch.open(await scratch.put('c.txt', 'faces.zip/a/2.jpg 0\n'))).rejects.toThrow(
      /Line 1[^]*does not hold/,
    );
  });

  it('takes # for a comment only before a blank, and not where an image has that name', async () => {
    await scratch.put('#1 anna/1.jpg');
    await scratch.put('# 2 bob/1.jpg');
    const list = '# two people\n#\n#1 anna/1.jpg 0\n# 2 bob/1.jpg 1\n';
    const source = await scratch.open(await scratch.put('train.txt', list));
    expect(source.entries).toEqual([
      { file: '#1 anna/1.jpg', identity: '#1 anna' },
      { file: '# 2 bob/1.jpg', identity: '# 2 bob' },
    ]);
    expect(text(await source.read(1))).toBe('# 2 bob/1.jpg');
  });
});

describe('the identities of a list', () => {
  it('are the folders where folders and labels are one to one', async () => {
    const lines = ['../crops/zoe/1.jpg 1', '../crops/9/deep/1.jpg 0', '../crops/9/flat.jpg 0', '../crops/10/1.jpg 2'];
    expect(await identities(await scratch.put('lists/train.txt', lines.join('\n')))).toEqual(['zoe', '9', '9', '10']);
  });

  it('are the labels where a folder holds several people or a person has several folders', async () => {
    expect(await identities(await scratch.put('a.txt', 'img/1.jpg 7\nimg/2.jpg 8\n'))).toEqual(['7', '8']);
    expect(await identities(await scratch.put('b.txt', 'a/1.jpg 7\nb/2.jpg 7\nc/1.jpg 8\n'))).toEqual(['7', '7', '8']);
    expect(await identities(await scratch.put('c.txt', '1.jpg 7\n2.jpg 8\n'))).toEqual(['7', '8']);
  });

  it("are an image's own folders where the first ones are not people", async () => {
    const lines = 'train/ann/1.jpg 0\ntrain/bob/1.jpg 1\ntest/cai/1.jpg 2\n';
    expect(await identities(await scratch.put('a.txt', lines))).toEqual(['ann', 'bob', 'cai']);
    expect(await identities(await scratch.put('b.txt', 'img/ann/1.jpg 0\nimg/ann/2.jpg 0\n'))).toEqual(['ann', 'ann']);
  });

  it('are those of the folder with a manifest, and of the zip', async () => {
    await scratch.put('aligned/manifest.json', JSON.stringify(manifestOf(1)));
    await scratch.put('aligned/ann/x/1.jpg');
    await scratch.put('aligned/ann/y/2.jpg');
    await scratch.put('faces.zip', writeZip([{ name: 'wrapped/bob/y/1.jpg', data: Buffer.from('zipped') }]));
    const list = 'aligned/ann/x/1.jpg 0\naligned/ann/y/2.jpg 0\nfaces.zip/bob/y/1.jpg 1\n';
    expect(await identities(await scratch.put('a.txt', list))).toEqual(['ann', 'ann', 'bob']);
  });

  it('are NFC, so that the names of a Mac and of Windows are one', () => {
    const person = (name: string): ListedPerson => ({ label: '0', folders: [name], inSet: undefined });
    expect(listIdentities([person('Zoe\u0308'), { ...person('b'), label: '1' }])).toEqual(['Zo\u00eb', 'b']);
  });
});
