import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SphereFaceError } from '../../common/errors.js';
import { useScratch } from '../../testing/scratch.js';
import { writeZip } from '../../testing/zip-writer.js';
import { decodeCrop } from '../decode.js';
import { openImageSource } from './index.js';

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
        { name: 'a//1.jpg', data },
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
      'a//1.jpg': 'empty part in the path',
      'a/link.jpg': 'a symbolic link',
      'a/bzip.jpg': 'compression method …',
      'a/huge.jpg': '…',
      'a/1.jpg': 'the name occurs twice',
    });
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

  it('survives any damage: every byte string is a source or a SphereFaceError', async () => {
    const whole = writeZip([
      { name: 'a/1.jpg', data: bytes('one one one one'), deflate: true },
      { name: 'b/2.jpg', data: bytes('two'), extra: 20 },
    ]);
    const path = join(scratch.folder, 'fuzz.zip');
    const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(edits, fc.integer({ min: 0, max: whole.length }), async (changes, length) => {
        const damaged = Buffer.from(whole);
        for (const [position, value] of changes) damaged[position] = value;
        await writeFile(path, length % 3 === 0 ? damaged.subarray(0, length) : damaged);
        try {
          const source = await openImageSource(path);
          for (const index of source.entries.keys()) {
            await source.read(index).catch((error: unknown) => expect(error).toBeInstanceOf(SphereFaceError));
          }
          await source.dispose();
        } catch (error) {
          expect(error).toBeInstanceOf(SphereFaceError);
        }
      }),
      { numRuns: 500 },
    );
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
