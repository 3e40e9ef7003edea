// Files of embeddings against independent readers: the NumPy format by hand, hyparquet, and NumPy itself where it is there.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobReader, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js';
import { UsageError } from '../../common/errors.js';
import { interpreter, pythonHas } from '../../testing/python.js';
import { createEmbeddingsWriter } from './embeddings-file.js';

const width = 5;
const files = ['a/1.jpg', 'ä/真.png', 'b/a longer name 😀.jpg'];
const rows = Float32Array.from({ length: files.length * width }, (_, index) => Math.fround(Math.sin(index) * 100));

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-embeddings-'));
});
afterAll(() => rm(scratch, { recursive: true }));

async function write(name: string): Promise<string> {
  const path = join(scratch, name);
  const writer = await createEmbeddingsWriter(path, width);
  await writer.append(files.slice(0, 2), rows.subarray(0, 2 * width));
  await writer.append(files.slice(2), rows.subarray(2 * width));
  await writer.finish();
  return path;
}

/** An independent reading of NumPy's format: the header is a Python dictionary, the data follow. */
function parseNpy(bytes: Uint8Array): { descr: string; shape: number[]; data: DataView } {
  const buffer = Buffer.from(bytes);
  expect(buffer.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
  const length = buffer.readUInt16LE(8);
  // NumPy asks for a header that ends on a multiple of 64 with a newline.
  expect((10 + length) % 64).toBe(0);
  const header = buffer.subarray(10, 10 + length).toString('latin1');
  expect(header.endsWith('\n')).toBe(true);
  const match = /^\{'descr': '(.*?)', 'fortran_order': False, 'shape': \((.*?)\), \} *\n$/.exec(header)!;
  const shape = match[2]!
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  return { descr: match[1]!, shape, data: new DataView(bytes.buffer, bytes.byteOffset + 10 + length) };
}

function expectEmbeddings(npy: Uint8Array): void {
  const { descr, shape, data } = parseNpy(npy);
  expect([descr, shape]).toEqual(['<f4', [3, width]]);
  expect(data.byteLength).toBe(rows.byteLength);
  expect(Array.from(rows, (_, index) => data.getFloat32(index * 4, true))).toEqual([...rows]);
}

describe('createEmbeddingsWriter', () => {
  it('writes .npz', async () => {
    const zip = new ZipReader(new BlobReader(new Blob([await readFile(await write('e.npz'))])));
    const entries = await zip.getEntries();
    expect(entries.map(({ filename }) => filename)).toEqual(['embeddings.npy', 'files.npy']);
    const [embeddings, names] = await Promise.all(
      entries.map((entry) => (entry.directory ? undefined : entry.getData(new Uint8ArrayWriter()))),
    );
    expectEmbeddings(embeddings!);
    const { descr, shape, data } = parseNpy(names!);
    const longest = Math.max(...files.map((file) => [...file].length));
    expect([descr, shape]).toEqual([`<U${longest}`, [3]]);
    const read = files.map((_, row) =>
      Array.from({ length: longest }, (_, column) => data.getUint32((row * longest + column) * 4, true))
        .filter((point) => point !== 0)
        .map((point) => String.fromCodePoint(point))
        .join(''),
    );
    expect(read).toEqual(files);
  });

  it('writes .npy with the files beside it', async () => {
    const path = await write('e.npy');
    expectEmbeddings(await readFile(path));
    expect((await readFile(`${path}.files.txt`, 'utf8')).trimEnd().split('\n')).toEqual(files);
  });

  it('writes .parquet', async () => {
    const { buffer, byteOffset, byteLength } = await readFile(await write('e.parquet'));
    const file = buffer.slice(byteOffset, byteOffset + byteLength);
    expect(await parquetReadObjects({ file })).toEqual(
      files.map((name, row) => ({ file: name, embedding: [...rows.subarray(row * width, (row + 1) * width)] })),
    );
  });

  it('writes several row groups', async () => {
    const path = join(scratch, 'large.parquet');
    const writer = await createEmbeddingsWriter(path, 2);
    for (let start = 0; start < 5000; start += 500) {
      const names = Array.from({ length: 500 }, (_, index) => `${start + index}`);
      await writer.append(
        names,
        Float32Array.from({ length: 1000 }, (_, index) => start * 2 + index),
      );
    }
    await writer.finish();
    const { buffer, byteOffset, byteLength } = await readFile(path);
    const read = await parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) });
    expect(read).toHaveLength(5000);
    expect(read[4321]).toEqual({ file: '4321', embedding: [8642, 8643] });
  });

  it('refuses other extensions and leaves nothing behind when given up', async () => {
    await expect(createEmbeddingsWriter(join(scratch, 'e.csv'), width)).rejects.toThrow(UsageError);
    const before = await readdir(scratch);
    for (const name of ['x.npz', 'x.npy', 'x.parquet']) {
      const writer = await createEmbeddingsWriter(join(scratch, name), width);
      await writer.append(files, rows);
      await writer.abort();
    }
    expect(await readdir(scratch)).toEqual(before);
  });

  it.skipIf(!pythonHas('numpy'))('is read by numpy (skipped where python3-numpy is absent)', async () => {
    const script = `
import json, sys, numpy
z = numpy.load(sys.argv[1], allow_pickle=False)
a = numpy.load(sys.argv[2], allow_pickle=False)
assert (z['embeddings'] == a).all() and a.dtype == numpy.float32
print(json.dumps([a.shape, z['files'].tolist(), a.tolist()]))`;
    const run = spawnSync(interpreter, ['-c', script, await write('p.npz'), await write('p.npy')], {
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toEqual([
      [3, width],
      files,
      files.map((_, row) => [...rows.subarray(row * width, (row + 1) * width)]),
    ]);
  });
});
