// Zips of images: entries in any order, hostile names, encodings of names, damage, and real crops where they are at hand.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { useScratch } from '../../testing/scratch.js';
import { writeZip } from '../../testing/zip-writer.js';
import { decodeCrop } from '../decode.js';
import { describeIgnored } from '../ignored.js';

const scratch = useScratch();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a zip', () => {
  const zipOf = async (parts: Parameters<typeof writeZip>[0]): Promise<string> => {
    const path = join(scratch.folder, 'faces.zip');
    await writeFile(path, writeZip(parts));
    return path;
  };
  const bytes = (value: string): Uint8Array => Buffer.from(value);

  it('reads stored and deflated entries in any order and at once', async () => {
    const parts = Array.from({ length: 50 }, (_, index) => ({
      name: `id${index % 7}/${index}.jpg`,
      data: bytes(`image ${index} `.repeat(index + 1)),
      deflate: index % 2 === 0,
      extra: index % 5 === 0 ? 500 : 0,
    }));
    const source = await scratch.open(await zipOf(parts));
    expect(source.kind).toBe('zip');
    expect(source.entries.map(({ file }) => file)).toEqual(parts.map(({ name }) => name).sort());
    const read = await Promise.all(source.entries.map((_, index) => source.read(index)));
    for (const [index, entry] of source.entries.entries()) {
      const part = parts.find(({ name }) => name === entry.file)!;
      expect(text(read[index]!)).toBe(text(part.data));
    }
  });

  it('refuses names that lead out, links, unknown methods and doubles, and says why', async () => {
    const data = bytes('x');
    const source = await scratch.open(
      await zipOf([
        { name: 'a/1.jpg', data },
        { name: '../up.jpg', data },
        { name: 'a/../../up.jpg', data },
        { name: '/root.jpg', data },
        { name: 'c:/root.jpg', data },
        { name: 'a\u0007b/1.jpg', data },
        { name: 'a/link.jpg', data, mode: 0o120777 },
        { name: 'a/bzip.jpg', data, method: 12 },
        { name: 'a/huge.jpg', data, size: 2 ** 31, deflate: true },
        { name: 'a/1.jpg', data },
        { name: 'a/readme.txt', data },
        { name: '__MACOSX/a/1.jpg', data },
      ]),
    );
    expect(source.entries).toEqual([expect.objectContaining({ file: 'a/1.jpg', identity: 'a' })]);
    expect(source.ignored.map(({ file }) => file)).toEqual(['__MACOSX/a/1.jpg', 'a/readme.txt']);
    expect(Object.fromEntries(source.refused.map(({ file, reason }) => [file, reason.replace(/\d+.*/, '…')]))).toEqual({
      '../up.jpg': '".." in the path',
      'a/../../up.jpg': '".." in the path',
      '/root.jpg': 'absolute path',
      'c:/root.jpg': 'absolute path',
      'a\u0007b/1.jpg': 'control character in the path',
      'a/link.jpg': 'a symbolic link',
      'a/bzip.jpg': 'compression method …',
      'a/huge.jpg': '…',
      'a/1.jpg': 'the name occurs twice',
    });
  });

  it('reads names in encodings that nobody states, and says which it took', async () => {
    const data = bytes('x');
    const gbk = ['d5c5ceb02f312e6a7067', 'c0eec4c82f312e6a7067'].map((hex) => ({
      name: Buffer.from(hex, 'hex'),
      data,
    }));
    const source = await scratch.open(await zipOf([...gbk, { name: 'Zo\u00eb/1.jpg', data }]));
    expect(source.entries.map(({ identity }) => identity)).toEqual(['Zo\u00eb', '张伟', '李娜']);
    expect(source.warnings).toEqual([expect.stringMatching(/names are encoded; they were read as GBK: 张伟\/1.jpg/)]);
    const utf8 = await scratch.open(await zipOf([{ name: Buffer.from('Zo\u00eb/1.jpg'), data }]));
    expect(utf8).toMatchObject({ entries: [{ file: 'Zo\u00eb/1.jpg' }], warnings: [] });
  });

  it('takes backslashes for what separates folders', async () => {
    const names = ['anna\\1.jpg', 'anna\\deep\\2.jpg', 'ben\\', '..\\up.jpg'];
    const source = await scratch.open(await zipOf(names.map((name) => ({ name, data: bytes(name) }))));
    expect(source.entries.map(({ file, identity }) => [file, identity])).toEqual([
      ['anna/1.jpg', 'anna'],
      ['anna/deep/2.jpg', 'anna'],
    ]);
    expect(source.refused).toEqual([{ file: '../up.jpg', reason: '".." in the path' }]);
    expect(text(await source.read(1))).toBe('anna\\deep\\2.jpg');
  });

  it('drops what says nothing in a path, and takes a name with a colon for a name', async () => {
    const names = [
      './anna/1.jpg',
      'anna//2.jpg',
      'ben/./1.jpg',
      'anna/1.jpg',
      'a:b/1.jpg',
      'C:/c/1.jpg',
      'C:\\c\\2.jpg',
    ];
    const source = await scratch.open(await zipOf(names.map((name) => ({ name, data: bytes(name) }))));
    expect(source.entries.map(({ file, identity }) => [file, identity])).toEqual([
      ['a:b/1.jpg', 'a:b'],
      ['anna/1.jpg', 'anna'],
      ['anna/2.jpg', 'anna'],
      ['ben/1.jpg', 'ben'],
    ]);
    expect(text(await source.read(1))).toBe('./anna/1.jpg');
    expect(source.refused).toEqual([
      { file: 'C:/c/1.jpg', reason: 'absolute path' },
      { file: 'C:/c/2.jpg', reason: 'absolute path' },
      { file: 'anna/1.jpg', reason: 'the name occurs twice' },
    ]);
  });

  it("names people in NFC, whatever a Mac's zip has", async () => {
    const source = await scratch.open(await zipOf([{ name: 'Zoe\u0308/1.jpg', data: bytes('x') }]));
    expect(source.entries).toEqual([{ file: 'Zoe\u0308/1.jpg', identity: 'Zo\u00eb' }]);
  });

  it('refuses a name that no file system takes, with one line', async () => {
    const data = bytes('x');
    const long = `${'照'.repeat(90)}.jpg`;
    const source = await scratch.open(
      await zipOf([
        { name: `a/${long}`, data },
        { name: 'a/2.jpg', data },
      ]),
    );
    expect(source.entries).toHaveLength(1);
    expect(source.refused).toEqual([{ file: `a/${long}`, reason: 'a name of 274 bytes; file systems take 255' }]);
  });

  it('tells by content what a name does not say, and counts what is no image by kind', async () => {
    const jpeg = await readFile(new URL('../fixtures/face.jpg', import.meta.url));
    const source = await scratch.open(
      await zipOf([
        { name: 'a/noext', data: jpeg, deflate: true },
        { name: 'a/stored', data: jpeg },
        { name: 'a/film.mp4', data: bytes('\0\0\0\x18ftypmp42') },
        { name: 'a/notes', data: bytes('%PDF-1.4'), deflate: true },
        { name: 'a/sealed.txt', data: jpeg, method: 99 },
        { name: 'nested/@eaDir/a/1.jpg', data: jpeg },
        { name: 'a/.hidden/2.jpg', data: jpeg },
      ]),
    );
    expect(source.entries.map(({ file }) => file)).toEqual(['a/noext', 'a/stored']);
    expect(describeIgnored(source.ignored)).toBe('2 hidden or system files, 1 PDF, 1 text file (.txt), 1 video (.mp4)');
    expect(source.refused).toEqual([]);
  });

  it('looks through one wrapping folder', async () => {
    const data = bytes('x');
    const wrapped = await scratch.open(
      await zipOf([
        { name: 'faces/b/1.jpg', data },
        { name: 'faces/a/1.jpg', data },
        { name: 'faces/readme.txt', data },
      ]),
    );
    expect(wrapped.entries.map(({ file, identity }) => [file, identity])).toEqual([
      ['a/1.jpg', 'a'],
      ['b/1.jpg', 'b'],
    ]);
    expect(text(await wrapped.read(0))).toBe('x');
    const single = await scratch.open(await zipOf([{ name: 'a/1.jpg', data }]));
    expect(single.entries[0]).toMatchObject({ file: 'a/1.jpg', identity: 'a' });
  });

  it('keeps people apart, whatever lies beside their folders or around them, and says what it leaves out', async () => {
    const zipped = async (...names: string[]) =>
      scratch.open(await zipOf(names.map((name) => ({ name, data: bytes(name) }))));
    const people = ['anna/1.jpg', 'anna/2.jpg', 'ben/1.jpg'];
    const inside = await zipped('photos/cover.jpg', ...people.map((name) => `photos/${name}`));
    expect(inside.entries.map(({ file, identity }) => [file, identity])).toEqual([
      ['anna/1.jpg', 'anna'],
      ['anna/2.jpg', 'anna'],
      ['ben/1.jpg', 'ben'],
      ['cover.jpg', ''],
    ]);
    expect(text(await inside.read(2))).toBe('photos/ben/1.jpg');
    expect(inside.warnings).toEqual(['1 image lies in no identity folder: cover.jpg']);
    const outside = await zipped('cover.jpg', ...people.map((name) => `a/b/${name}`));
    expect(outside.entries.map(({ identity }) => identity)).toEqual(['anna', 'anna', 'ben']);
    expect(outside.refused).toEqual([{ file: 'cover.jpg', reason: 'it lies in no identity folder' }]);
    expect(outside.warnings).toEqual(['1 image lies in no identity folder: cover.jpg; left out']);
  });

  it('knows the folders that paths from elsewhere begin with', async () => {
    const data = bytes('x');
    const wrapped = ['a/set/anna/1.jpg', 'a/set/ben/1.jpg'].map((name) => ({ name, data }));
    expect((await scratch.open(await zipOf(wrapped))).around).toEqual(['a/set', 'set', 'faces/a/set', 'faces']);
    expect((await scratch.open(await zipOf([{ name: 'anna/1.jpg', data }]))).around).toEqual(['faces']);
  });

  it('notices damage: a wrong checksum, a wrong size, an entry that inflates beyond its size', async () => {
    const data = bytes('some data '.repeat(100));
    const source = await scratch.open(
      await zipOf([
        { name: 'a/crc.jpg', data, crc: 1 },
        { name: 'a/long.jpg', data, deflate: true, size: 10 },
        { name: 'a/short.jpg', data, deflate: true, size: 5000 },
      ]),
    );
    await expect(source.read(0)).rejects.toThrow(/a\/crc.jpg is damaged[^]*checksum/);
    await expect(source.read(1)).rejects.toThrow(/a\/long.jpg is damaged/);
    await expect(source.read(2)).rejects.toThrow(/1000 bytes where 5000/);
  });
});

const crops = fileURLToPath(new URL('../../../../shared/data/faces-train-112x96.zip', import.meta.url));

describe.skipIf(!existsSync(crops))('28,928 real crops in one zip (skipped where ../shared is absent)', () => {
  it('opens and decodes from the middle', async () => {
    const source = await scratch.open(crops);
    expect(source.entries).toHaveLength(28_928);
    expect(new Set(source.entries.map(({ identity }) => identity)).size).toBe(2204);
    const picture = await decodeCrop(await source.read(14_000), { width: 96, height: 112 });
    expect(picture.data).toHaveLength(96 * 112 * 3);
  });
});
