// RecordIO sets: identities, indices, joined records, damage anywhere, and 100,000 records in bounded memory.
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SphereFaceError } from '../../common/errors.js';
import { fuzzRuns } from '../../testing/fuzz.js';
import { frameRecord, insightFaceSet, packRecord, writeRecordIO } from '../../testing/recordio-writer.js';
import { openImageSource } from './index.js';
import { openRecordSet } from './record-set.js';
import { openRecordFile } from './recordio.js';
import type { OpenedSource } from '../source.js';

let root: string;
let scratch: string;
const opened: { dispose(): Promise<void> }[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sphereface-recordio-'));
});
beforeEach(async () => {
  scratch = await mkdtemp(join(root, 'set-'));
});
afterEach(async () => {
  for (const source of opened.splice(0)) await source.dispose();
});
afterAll(() => rm(root, { recursive: true }));

async function put(rec: Uint8Array, idx?: string, property?: string): Promise<string> {
  const path = join(scratch, 'train.rec');
  await writeFile(path, rec);
  if (idx !== undefined) await writeFile(join(scratch, 'train.idx'), idx);
  if (property !== undefined) await writeFile(join(scratch, 'property'), property);
  return path;
}

async function openSet(path: string): Promise<OpenedSource> {
  const source = await openRecordSet(path);
  opened.push(source);
  return source;
}

const bytes = (text: string): Buffer => Buffer.from(text);
const identities = [
  [bytes('a0'), bytes('a-one')],
  [bytes('b0')],
  [bytes('c0'), bytes('c1'), bytes('c2 longer than a word')],
];

describe('openRecordSet', () => {
  it('lists images under the identities that the identity records state, in any order of reading', async () => {
    const { rec, idx } = writeRecordIO(insightFaceSet(identities));
    await put(rec, idx, '3,112,112');
    const source = await openImageSource(scratch);
    opened.push(source);
    expect(source.kind).toBe('recordio');
    expect(source.entries.map(({ file, identity }) => [file, identity])).toEqual([
      ['0/1.jpg', '0'],
      ['0/2.jpg', '0'],
      ['1/3.jpg', '1'],
      ['2/4.jpg', '2'],
      ['2/5.jpg', '2'],
      ['2/6.jpg', '2'],
    ]);
    const flat = identities.flat();
    const read = await Promise.all([5, 0, 3, 1, 4, 2].map(async (index) => [index, await source.read(index)] as const));
    for (const [index, image] of read) expect(Buffer.from(image).equals(flat[index])).toBe(true);
    await expect(source.read(6)).rejects.toThrow(RangeError);
  });

  it('reads sets without identity records, without an index, and with labels as arrays', async () => {
    const records = [
      { labels: [4], image: bytes('x') },
      { labels: [2, 0.5], image: bytes('y') },
      { labels: [2], image: bytes('z'), asArray: true },
    ];
    const { rec } = writeRecordIO(records);
    const source = await openSet(await put(rec));
    expect(source.entries.map(({ file }) => file)).toEqual(['4/0.jpg', '2/1.jpg', '2/2.jpg']);
    expect(await Promise.all([0, 1, 2].map(async (index) => String(Buffer.from(await source.read(index)))))).toEqual([
      'x',
      'y',
      'z',
    ]);
  });

  it('takes the first record for an image where it is one: no header, several labels, keys from one', async () => {
    const images = identities.flat();
    const variants = [
      images.map((image, i) => ({ labels: [Math.floor(i / 2)], image })),
      images.map((image, i) => ({ labels: [Math.floor(i / 2), 1], image })),
      images.map((image, i) => ({ labels: [Math.floor(i / 2)], image, asArray: true })),
    ];
    for (const records of variants) {
      const { rec, idx } = writeRecordIO(records);
      const fromOne = idx.replace(/^\d+/gm, (key) => String(Number(key) + 1));
      for (const [index, first] of [
        [idx, 0],
        [fromOne, 1],
      ] as const) {
        const source = await openSet(await put(rec, index));
        expect(source.entries.map(({ file }) => file)).toEqual(
          images.map((_, i) => `${Math.floor(i / 2)}/${i + first}.jpg`),
        );
        expect(Buffer.from(await source.read(0)).equals(images[0])).toBe(true);
        expect(source.refused).toEqual([]);
      }
    }
  });

  it('is told by its content, whatever it is called, and is the only one of its folder', async () => {
    const { rec } = writeRecordIO(insightFaceSet(identities));
    for (const name of ['faces.rec', 'faces.data', 'faces']) {
      await writeFile(join(scratch, name), rec);
      const source = await openImageSource(join(scratch, name));
      opened.push(source);
      expect(source).toMatchObject({ kind: 'recordio', entries: { length: 6 } });
    }
    const folder = await openImageSource(scratch);
    opened.push(folder);
    expect(folder.kind).toBe('recordio');
    await mkdir(join(scratch, 'ann'));
    await writeFile(join(scratch, 'ann', '1.jpg'), 'x');
    const photos = await openImageSource(scratch);
    opened.push(photos);
    expect(photos.kind).toBe('folder');
  });

  it('takes an index with blanks, refuses that of another file, and knows a set by its index', async () => {
    const { rec, idx } = writeRecordIO(insightFaceSet(identities));
    expect((await openSet(await put(rec, idx.replaceAll('\t', ' ')))).entries.length).toBe(6);
    const shifted = idx.replace(/\d+$/gm, (offset) => String(Number(offset) + 4));
    const path = await put(rec, shifted);
    await expect(openSet(path)).rejects.toThrow(/\.idx is not the index of[^]*or remove it/);
    const whole = await put(rec, idx);
    const source = await openImageSource(whole.replace(/\.rec$/, '.idx'));
    opened.push(source);
    expect(source.entries.length).toBe(6);
    await rm(whole);
    await expect(openImageSource(whole.replace(/\.rec$/, '.idx'))).rejects.toThrow(/no \.rec file beside/);
  });

  it('takes an index in any order, with either line end', async () => {
    const { rec, idx } = writeRecordIO(insightFaceSet(identities));
    const lines = idx.trimEnd().split('\n');
    const source = await openSet(await put(rec, `${lines.reverse().join('\r\n')}\n\n`));
    expect(source.entries.map(({ file }) => file)).toEqual([
      '0/1.jpg',
      '0/2.jpg',
      '1/3.jpg',
      '2/4.jpg',
      '2/5.jpg',
      '2/6.jpg',
    ]);
    expect(String(Buffer.from(await source.read(5)))).toBe('c2 longer than a word');
  });

  it('joins the parts of records that hold the magic word', async () => {
    const word = Buffer.from('0a23d7ce', 'hex');
    const images = [
      Buffer.concat([word, word, bytes('tail')]),
      Buffer.concat([bytes('head'), word]),
      Buffer.concat([bytes('abc'), word, bytes('unaligned stays whole')]),
    ];
    const { rec, idx } = writeRecordIO(images.map((image) => ({ labels: [0], image })));
    for (const index of [idx, undefined]) {
      const source = await openSet(await put(rec, index));
      for (const [k, image] of images.entries()) {
        expect(Buffer.from(await source.read(k)).equals(image)).toBe(true);
      }
    }
  });

  it('names the record that is damaged and goes on with the others', async () => {
    const { rec, idx } = writeRecordIO(insightFaceSet(identities));
    const offsets = idx.split('\n').map((line) => Number(line.split('\t')[1]));
    rec.writeUInt32LE(0, offsets[2]);
    rec.writeUInt32LE(0x0fffffff, offsets[5] + 4);
    const source = await openSet(await put(rec, idx));
    expect(source.entries).toHaveLength(6);
    await expect(source.read(1)).rejects.toThrow(/Record 2 of .*train.rec is damaged[^]*magic word/);
    await expect(source.read(4)).rejects.toThrow(/Record 5 .*is damaged[^]*beyond the end/);
    expect(String(Buffer.from(await source.read(5)))).toBe('c2 longer than a word');
  });

  it('refuses identities whose records are damaged, and says which', async () => {
    const { rec, idx } = writeRecordIO(insightFaceSet(identities));
    const offsets = idx.split('\n').map((line) => Number(line.split('\t')[1]));
    rec.writeFloatLE(1000, offsets[8] + 8 + 24 + 4);
    const source = await openSet(await put(rec, idx));
    expect(source.entries.map(({ identity }) => identity)).toEqual(['0', '0', '2', '2', '2']);
    expect(source.refused).toEqual([{ file: 'record 8', reason: expect.stringMatching(/3 to 1000/) as string }]);
  });

  it('refuses a property file and an index that do not fit', async () => {
    const { rec, idx } = writeRecordIO(insightFaceSet(identities));
    await expect(openSet(await put(rec, idx, '2,112,112'))).rejects.toThrow(/identity 2[^]*0 to 1/);
    await expect(openSet(await put(rec, idx, 'many'))).rejects.toThrow(/classes,height,width/);
    await expect(openSet(await put(rec, `${idx}7 no tab\n`, '3,112,112'))).rejects.toThrow(/Line 11 of .*train.idx/);
    const beyond = await openRecordFile(await put(rec, `0\t${rec.length + 100}\n`));
    opened.push(beyond);
    await expect(beyond.read(0)).rejects.toThrow(/Record 0 .*damaged[^]*inside the file/);
  });

  it('survives any damage with the same bytes or an error of its own', async () => {
    const { rec, idx } = writeRecordIO(insightFaceSet(identities));
    const edits = fc.array(fc.tuple(fc.nat(rec.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(edits, fc.boolean(), fc.nat(rec.length), async (changes, indexed, length) => {
        const damaged = Buffer.from(rec);
        for (const [position, value] of changes) damaged[position] = value;
        await rm(join(scratch, 'train.idx'), { force: true });
        const path = await put(length % 4 === 0 ? damaged.subarray(0, length) : damaged, indexed ? idx : undefined);
        try {
          const source = await openRecordSet(path);
          for (const index of source.entries.keys()) {
            await source.read(index).catch((error: unknown) => expect(error).toBeInstanceOf(SphereFaceError));
          }
          await source.dispose();
        } catch (error) {
          expect(error).toBeInstanceOf(SphereFaceError);
        }
      }),
      { numRuns: fuzzRuns(100) },
    );
  });

  it('reads back whatever the writer wrote', async () => {
    const word = Buffer.from('0a23d7ce', 'hex');
    const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(Uint8Array.from(word)));
    const image = fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => Buffer.concat([...parts, bytes('.')]));
    await fc.assert(
      fc.asyncProperty(fc.array(image, { minLength: 1, maxLength: 8 }), fc.boolean(), async (images, indexed) => {
        const { rec, idx } = writeRecordIO(images.map((data, label) => ({ labels: [label], image: data })));
        await rm(join(scratch, 'train.idx'), { force: true });
        const source = await openRecordSet(await put(rec, indexed ? idx : undefined));
        for (const [index, data] of images.entries()) {
          expect(Buffer.from(await source.read(index)).equals(data)).toBe(true);
        }
        await source.dispose();
      }),
      { numRuns: fuzzRuns(50) },
    );
  });

  it('reads 100,000 records with flat memory', async () => {
    const path = join(scratch, 'train.rec');
    const records = 100_000;
    const size = 4096;
    const handle = await open(path, 'w');
    const idx: string[] = [];
    let offset = 0;
    const batch: Buffer[] = [];
    for (let key = 0; key < records; key++) {
      const record = frameRecord(
        packRecord({ labels: [Math.floor(key / 50)], image: Buffer.alloc(size, key % 251) }, key),
      );
      idx.push(`${key}\t${offset}\n`);
      offset += record.length;
      batch.push(record);
      if (batch.length === 1000) await handle.write(Buffer.concat(batch.splice(0)));
    }
    await handle.close();
    await writeFile(join(scratch, 'train.idx'), idx.join(''));

    const started = performance.now();
    const source = await openSet(path);
    const listed = performance.now();
    expect(source.entries).toHaveLength(records);
    const baseline = process.memoryUsage().rss;
    let highest = baseline;
    let next = 0;
    let wrong = 0;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (next < records) {
          const key = next++;
          const image = await source.read(key);
          if (image.length !== size || image[0] !== key % 251 || image[size - 1] !== key % 251) wrong++;
          if (key % 5000 === 0) highest = Math.max(highest, process.memoryUsage().rss);
        }
      }),
    );
    const seconds = (performance.now() - listed) / 1000;
    const growth = (highest - baseline) / 2 ** 20;
    console.info(
      `100,000 records of 4 KiB: opened in ${((listed - started) / 1000).toFixed(2)} s, read at ${(offset / seconds / 1e6).toFixed(0)} MB/s, memory +${growth.toFixed(0)} MiB`,
    );
    expect(wrong).toBe(0);
    // The file has 413 MB; what is held at a time are eight records and the garbage between two collections.
    expect(growth).toBeLessThan(200);
  });
});
