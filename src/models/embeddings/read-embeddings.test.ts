// Embeddings read back: files written here and by NumPy, every float type, and files that are wrong, huge or damaged.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SphereFaceError, UsageError } from '../../common/errors.js';
import { toFloat16 } from '../../common/float16.js';
import { interpreter, pythonHas } from '../../testing/python.js';
import { createEmbeddingsWriter } from './embeddings-file.js';
import { npyHeader, npyStrings } from './npy.js';
import { readEmbeddings } from './read-embeddings.js';

const width = 5;
const files = ['a/1.jpg', 'ä/真.png', 'b/a longer name 😀.jpg'];
const rows = Float32Array.from({ length: files.length * width }, (_, index) => Math.fround(Math.sin(index) * 100));

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-read-embeddings-'));
});
afterAll(() => rm(scratch, { recursive: true }));

async function written(name: string): Promise<string> {
  const path = join(scratch, name);
  const writer = await createEmbeddingsWriter(path, width);
  await writer.append(files, rows);
  await writer.finish();
  return path;
}

/** An .npz of these arrays. */
async function npz(name: string, arrays: Readonly<Record<string, Uint8Array>>, level = 6): Promise<string> {
  const zip = new ZipWriter(new Uint8ArrayWriter(), { level, useWebWorkers: false });
  for (const [array, bytes] of Object.entries(arrays)) await zip.add(`${array}.npy`, new Uint8ArrayReader(bytes));
  const path = join(scratch, name);
  await writeFile(path, await zip.close());
  return path;
}

const array = (descr: string, shape: readonly number[], data: ArrayBufferView): Buffer =>
  Buffer.concat([npyHeader(descr, shape), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);

describe('readEmbeddings', () => {
  it.each(['e.npz', 'e.npy'])('reads what is written: %s', async (name) => {
    expect(await readEmbeddings(await written(name))).toEqual({ files, embeddings: rows, width });
  });

  it.each([
    ['<f2', Uint16Array.from(rows, toFloat16), 0.1],
    ['<f4', rows, 0],
    ['<f8', Float64Array.from(rows), 0],
  ] as const)('reads %s, deflated', async (descr, data, tolerance) => {
    const path = await npz(`${descr.slice(1)}.npz`, {
      embeddings: array(descr, [3, width], data),
      files: npyStrings(files),
      other: Uint8Array.of(1, 2, 3),
    });
    const read = await readEmbeddings(path);
    expect(read.files).toEqual(files);
    for (const [i, value] of read.embeddings.entries()) {
      expect(Math.abs(value - rows[i]!)).toBeLessThanOrEqual(tolerance);
    }
  });

  it('refuses what is no file of embeddings, and says why', async () => {
    await expect(readEmbeddings(join(scratch, 'none.npz'))).rejects.toBeInstanceOf(UsageError);
    await expect(readEmbeddings(await written('e.parquet'))).rejects.toThrow(/got: .*e\.parquet[^]*\.npz or \.npy/);
    const embeddings = array('<f4', [3, width], rows);
    const names = npyStrings(files);
    const cases: readonly (readonly [string, Readonly<Record<string, Uint8Array>>, RegExp])[] = [
      ['names', { embeddings }, /no file of embeddings[^]*arrays embeddings\n/],
      ['rows', { embeddings, files: npyStrings(files.slice(1)) }, /\[3, 5\] and 2 files/],
      ['short', { embeddings: embeddings.subarray(0, -4), files: names }, /damaged[^]*got: 56 bytes[^]*expected: 60/],
      ['huge', { embeddings: npyHeader('<f4', [3, 2 ** 40]), files: names }, /damaged[^]*got: 0 bytes/],
      ['type', { embeddings: array('<i4', [3, width], rows), files: names }, /no numbers[^]*type <i4/],
      ['object', { embeddings, files: array('|O', [3], rows) }, /no strings[^]*type \|O/],
    ];
    for (const [name, arrays, message] of cases) {
      await expect(readEmbeddings(await npz(`${name}.npz`, arrays)), name).rejects.toThrow(message);
    }
    const path = await written('bounded.npz');
    await expect(readEmbeddings(path, { maxBytes: 100 })).rejects.toThrow(/too large[^]*at most 100/);
    const bomb = await npz('bomb.npz', { embeddings: array('<f4', [1000, 1000], new Float32Array(1e6)), files: names });
    await expect(readEmbeddings(bomb, { maxBytes: 1e6 })).rejects.toThrow(/bomb.npz, embeddings is too large/);
  });

  it('of damaged files is an error or the embeddings, never a crash', async () => {
    const sound = await readFile(await written('sound.npz'));
    const path = join(scratch, 'damaged.npz');
    const damage = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(sound.length), async (changes, length) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at] = value;
        await writeFile(path, bytes.subarray(0, length % 2 === 0 ? sound.length : length));
        await readEmbeddings(path).catch((error: unknown) => {
          expect(error).toBeInstanceOf(SphereFaceError);
        });
      }),
      { numRuns: 200 },
    );
  });

  it.skipIf(!pythonHas('numpy'))("reads numpy's own (skipped where python3-numpy is absent)", async () => {
    const path = join(scratch, 'numpy.npz');
    const script = `
import sys, json, numpy
rows = numpy.array(json.loads(sys.argv[2]), numpy.float64)
numpy.savez_compressed(sys.argv[1], embeddings=rows, files=numpy.array(json.loads(sys.argv[3])))`;
    const matrix = files.map((_, row) => [...rows.subarray(row * width, (row + 1) * width)]);
    const run = spawnSync(interpreter, ['-c', script, path, JSON.stringify(matrix), JSON.stringify(files)]);
    expect(run.stderr.toString()).toBe('');
    expect(await readEmbeddings(path)).toEqual({ files, embeddings: rows, width });
  });
});
