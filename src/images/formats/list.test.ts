// Lists of images: lines, roots, zips, encodings and MXNet's form, the line that is wrong, and the identities they mean.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { useScratch } from '../../testing/scratch.js';
import { manifestOf } from '../../testing/crop-manifest.js';
import { writeZip } from '../../testing/zip-writer.js';
import { listIdentities, type ListedPerson } from './list-identities.js';

const scratch = useScratch();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
/** The identities of a list whose images are all there. */
const identities = async (path: string): Promise<string[]> => {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  for (const line of lines.filter((one) => !one.includes('.zip/'))) {
    await scratch.put(relative(scratch.folder, join(dirname(path), line.replace(/ \S+$/, ''))));
  }
  return (await scratch.open(path)).entries.map(({ identity }) => identity);
};

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
    await scratch.put('x/1.jpg');
    const absolute = await scratch.put('x/2.jpg');
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
    expect(text(await source.read(1))).toBe('x/2.jpg');
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

  it("reads MXNet's lists, with any number of labels", async () => {
    await scratch.put('images/p8/0.jpg');
    const lines = '0\t0.000000\timages/p8/0.jpg\n1\t0\timages/p8/1 of 2.jpg\n2\t1\timages/p9/0.jpg\n';
    const source = await scratch.open(await scratch.put('train.lst', lines));
    expect(source.entries.map(({ file, identity }) => [file, identity])).toEqual([
      ['images/p8/0.jpg', 'p8'],
      ['images/p8/1 of 2.jpg', 'p8'],
      ['images/p9/0.jpg', 'p9'],
    ]);
    expect(text(await source.read(0))).toBe('images/p8/0.jpg');
    await scratch.put('a.jpg');
    const several = await scratch.put('several.txt', '0\t7.000000\t0.5\t1e-3\ta.jpg\n1\t8\t0.25\t0\tb.jpg\n');
    expect((await scratch.open(several)).entries).toEqual([
      { file: 'a.jpg', identity: '7' },
      { file: 'b.jpg', identity: '8' },
    ]);
  });

  it('understands backslashes, unless they are part of a name', async () => {
    await scratch.put('a/1.jpg');
    await scratch.put('b\\1.jpg');
    const source = await scratch.open(await scratch.put('train.txt', 'a\\1.jpg 0\r\nb\\1.jpg 1\r\n'));
    expect(source.entries.map(({ file }) => file)).toEqual(['a/1.jpg', 'b\\1.jpg']);
    expect(text(await source.read(0))).toBe('a/1.jpg');
    expect(text(await source.read(1))).toBe('b\\1.jpg');
  });

  it('is read in UTF-8, UTF-16 by its mark, or the encoding that fits, and says so', async () => {
    const line = 'André/1.jpg 0\n';
    const open = async (content: Uint8Array) => scratch.open(await scratch.put('train.txt', content));
    await scratch.put('André/1.jpg');
    for (const content of [Buffer.from(line), Buffer.from(`\ufeff${line}`), Buffer.from(`\ufeff${line}`, 'utf16le')]) {
      expect(await open(content)).toMatchObject({ entries: [{ file: 'André/1.jpg' }], warnings: [] });
    }
    const latin1 = await open(Buffer.from(line, 'latin1'));
    expect(latin1.entries[0].file).toBe('André/1.jpg');
    expect(latin1.warnings).toEqual([expect.stringMatching(/not in UTF-8; it was read as Windows-1252/)]);
  });

  it('names the line that leads into a zip which is not there, or names a zip alone', async () => {
    for (const line of ['gone.zip/a/1.jpg 0', 'gone.zip 0']) {
      await expect(scratch.open(await scratch.put('a.txt', `${line}\nb/1.jpg 1\n`))).rejects.toThrow(
        /Line 1 of .*a\.txt leads into a zip that is not there/,
      );
    }
    await expect(scratch.open(await scratch.put('a.txt', 'photos/faces.zip\n'))).rejects.toThrow(
      /Line 1[^]*path label/,
    );
    await scratch.put('faces.zip', writeZip([{ name: 'a/1.jpg', data: Buffer.from('x') }]));
    await expect(scratch.open(await scratch.put('a.txt', 'faces.zip 0\n'))).rejects.toThrow(/a zip and no image in it/);
  });
});

describe('the images of a list', () => {
  it('are found in either Unicode form, in any case, with another extension or none', async () => {
    await scratch.put('Zoe\u0308/1.jpg');
    await scratch.put('Zoe\u0308/2.jpg');
    await scratch.put('ben/3.PNG');
    const source = await scratch.open(
      await scratch.put('train.txt', 'Zo\u00eb/1.jpg 0\nzo\u00eb/2.JPG 0\nben/3 1\nben/4.jpg 1\n'),
    );
    expect(source.entries).toEqual([
      { file: 'Zoe\u0308/1.jpg', identity: 'Zo\u00eb' },
      { file: 'Zoe\u0308/2.jpg', identity: 'Zo\u00eb' },
      { file: 'ben/3.PNG', identity: 'ben' },
      { file: 'ben/4.jpg', identity: 'ben' },
    ]);
    expect(text(await source.read(1))).toBe('Zoe\u0308/2.jpg');
    expect(text(await source.read(2))).toBe('ben/3.PNG');
    expect(source.warnings).toEqual([
      `1 of 4 images are not there, such as ben/4.jpg (line 4); the list's paths are taken from ${scratch.folder}`,
    ]);
  });

  it('are nobody else: an image that another line names is not taken for one that is not there', async () => {
    await scratch.put('ann/0.jpg');
    const source = await scratch.open(await scratch.put('train.txt', 'ann/0.png 0\nann/0.jpg 0\n'));
    expect(source.entries.map(({ file }) => file)).toEqual(['ann/0.png', 'ann/0.jpg']);
    await expect(source.read(0)).rejects.toThrow(/ENOENT/);
  });

  it('are found in a zip by the paths that it shows, with the folder that wraps them', async () => {
    const data = Buffer.from('zipped');
    const names = ['set/anna/1.jpg', 'set/ben/1.jpg'];
    await scratch.put('x.zip', writeZip(names.map((name) => ({ name, data }))));
    const source = await scratch.open(
      await scratch.put('train.txt', names.map((name, i) => `x.zip/${name} ${i}`).join('\n')),
    );
    expect(source.entries.map(({ identity }) => identity)).toEqual(['anna', 'ben']);
    expect(text(await source.read(1))).toBe('zipped');
  });

  it('are one however their path is written', async () => {
    await scratch.put('c/1.jpg');
    const source = await scratch.open(await scratch.put('train.txt', './c//1.jpg 0\n'));
    expect(source.entries).toEqual([{ file: 'c/1.jpg', identity: 'c' }]);
    await expect(scratch.open(await scratch.put('twice.txt', 'c/1.jpg 0\n./c/1.jpg 0\n'))).rejects.toThrow(
      /Line 2[^]*second time[^]*expected: each image once/,
    );
  });
});

describe('the form of a list', () => {
  const images = ['c/ann/0.jpg', 'c/ann/1.jpg', 'c/bob b/0.jpg'];
  const labels = ['0', '0', '1'];
  const expected = images.map((file) => ({ file, identity: file.split('/')[1] }));
  const write = async (line: (file: string, label: string, index: number) => string, header = ''): Promise<string> => {
    for (const image of images) await scratch.put(image);
    return scratch.put('list.txt', `${header}${images.map((file, i) => line(file, labels[i], i)).join('\n')}\n`);
  };

  it.each<[string, (file: string, label: string, index: number) => string, string?]>([
    ["InsightFace's face2rec", (file, label) => `1\t${file}\t${label}`],
    ['a number, a label, a path', (file, label, i) => `${i} ${label} ${file}`],
    ['commas', (file, label) => `${file},${label}`],
    ['commas and a header', (file, label) => `${file},${label}`, 'path,label\n'],
    ['commas and blanks', (file, label) => `${file} , ${label}`],
    ['commas and quotes', (file, label) => `"${file}","${label}"`],
    ['semicolons and a header', (file, label) => `${file};${label}`, 'file;identity\n'],
    ['a blank and quotes', (file, label) => `"${file}" ${label}`],
    ['a blank and a header', (file, label) => `${file} ${label}`, 'path identity\n'],
    ['the label first', (file, label) => `${label} ${file}`],
    ['the label first, a comma', (file, label) => `${label},${file}`],
    ['the label first, a tab', (file, label) => `${label}\t${file}`],
    ['a third word', (file, label) => `${file} ${label} 0.93`],
    ['a third column', (file, label) => `${file},${label},0.93`],
    ['a number before, commas', (file, label, i) => `${i},${file},${label}`, 'index,path,label\n'],
  ])('is read: %s', async (_, line, header) => {
    const source = await scratch.open(await write(line, header));
    expect([source.entries, source.labels]).toEqual([expected, labels]);
    expect(source.warnings).toEqual(header === undefined ? [] : [expect.stringMatching(/^line 1 .* for a header: /)]);
  });

  it('is kept to: a line of another one is an error that says which it should have', async () => {
    const list = await write((file, label, i) => (i === 1 ? `${file} ${label}` : `${file},${label}`));
    await expect(scratch.open(list)).rejects.toThrow(/Line 2 .* is not "path,label"/);
  });

  it('is read in UTF-16 of either kind', async () => {
    const list = await write((file, label) => `${file} ${label}`);
    const text = Buffer.from(`\ufeff${await readFile(list, 'utf8')}`, 'utf16le');
    await writeFile(list, text);
    expect((await scratch.open(list)).entries).toEqual(expected);
    await writeFile(list, text.swap16());
    expect((await scratch.open(list)).entries).toEqual(expected);
  });

  it('is an error where two columns lead to images: these are pairs', async () => {
    const list = await write((file) => `${file},${images[0]},1`);
    await expect(scratch.open(list)).rejects.toThrow(/several ways[^]*c\/ann\/0.jpg,c\/ann\/0.jpg,1[^]*--pairs/);
  });

  it('is an error where no image is there, with the folder that its paths are taken from', async () => {
    const list = await write((file, label) => `gone/${file} ${label}`);
    await expect(scratch.open(list)).rejects.toThrow(
      new RegExp(
        `None of the images[^]*gone/c/ann/0.jpg 0 in line 1[^]*taken from ${scratch.folder}\n[^]*correct the paths`,
      ),
    );
    const other = await scratch.put('lists/a.txt', 'c/ann/0.jpg 0\n');
    const here = vi.spyOn(process, 'cwd').mockReturnValue(scratch.folder);
    try {
      await expect(scratch.open(other)).rejects.toThrow(/the paths start from the working folder/);
    } finally {
      here.mockRestore();
    }
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
