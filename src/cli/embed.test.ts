// The embed command: embeddings against the tiny model by hand, pictures that are left out, and what is refused.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { writeModel } from '../models/index.js';
import { runCommand } from '../testing/command.js';
import { foreignModel } from '../testing/foreign-model.js';
import { encodeModel, int64s, testModel } from '../testing/onnx-model.js';
import { tinyEmbedding, tinyInput, tinyModel, tinyWeights } from '../testing/tiny-model.js';
import { registerEmbed } from './embed.js';

const crops = Array.from({ length: 5 }, (_, index) => ({
  file: `id${index % 2}/${index}.png`,
  data: Uint8Array.from({ length: 18 }, (_, pixel) => (pixel * 53 + index * 91) % 256),
}));

let scratch: string;
let model: string;
let images: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-embed-'));
  model = join(scratch, 'model.onnx');
  images = join(scratch, 'images');
  await writeModel(model, tinyModel({ metadata: { input: tinyInput, embeddingSize: 2 } }));
  for (const folder of ['id0', 'id1']) await mkdir(join(images, folder), { recursive: true });
  for (const { file, data } of crops) {
    await sharp(data, { raw: { width: 3, height: 2, channels: 3 } }).toFile(join(images, file));
  }
  await writeFile(join(images, 'id0', 'broken.png'), 'no picture');
  await writeFile(join(images, 'id0', 'notes.txt'), 'no image');
});
afterAll(() => rm(scratch, { recursive: true }));

describe('sphereface embed', () => {
  it('embeds what can be read, in order, and lists the rest', async () => {
    const output = join(scratch, 'e.parquet');
    const { stdout, stderr, error } = await runCommand(registerEmbed, [
      ...['embed', model, images, '-o', output, '--flip', '--batch', '2', '--threads', '1', '--json'],
    ]);
    expect(error).toBeUndefined();
    expect(JSON.parse(stdout)).toMatchObject({
      embedded: 5,
      width: 4,
      flip: true,
      ignored: 1,
      failures: [{ file: 'id0/broken.png', error: expect.stringContaining('not an image') as string }],
    });
    expect(stderr).toContain('warning: id0/broken.png');

    const { buffer, byteOffset, byteLength } = await readFile(output);
    const read = await parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) });
    const sorted = [...crops].sort((a, b) => (a.file < b.file ? -1 : 1));
    expect(read.map(({ file }) => file as string)).toEqual(sorted.map(({ file }) => file));
    for (const [row, { data }] of sorted.entries()) {
      const picture = { width: 3, height: 2, data };
      const expected = [false, true].flatMap((mirrored) => tinyEmbedding(picture, { mirrored }));
      const got = read[row]!.embedding as number[];
      for (const [k, value] of expected.entries()) expect(Math.abs(got[k]! - value)).toBeLessThan(1e-4);
    }
  });

  it('says that a network takes one picture at a time', async () => {
    const single = join(scratch, 'single.onnx');
    const weights = { shape: [18, 2], data: tinyWeights };
    const network = testModel({
      opset: 17,
      images: ['batch', 3, 2, 3],
      nodes: [
        { op: 'Reshape', inputs: ['images', 'shape'], outputs: ['flat'] },
        { op: 'MatMul', inputs: ['flat', 'fc5.weight'], outputs: ['embedding'] },
      ],
      initializers: { shape: int64s(1, 18), 'fc5.weight': weights },
      outputs: ['embedding'],
    });
    await writeModel(single, encodeModel(network));
    const { stdout, stderr, error } = await runCommand(registerEmbed, [
      ...['embed', single, images, '-o', join(scratch, 'single.npy'), '--threads', '1', '--json'],
      ...['--input-spec', JSON.stringify(tinyInput)],
    ]);
    expect(error).toBeUndefined();
    expect(JSON.parse(stdout)).toMatchObject({ embedded: 5 });
    expect(stderr.match(/warning: .*single\.onnx computes one picture at a time/g)).toHaveLength(1);
  });

  it('leaves out one crop of another size, by name', async () => {
    const odd = join(images, 'id0', 'odd.png');
    await sharp({ create: { width: 50, height: 50, channels: 3, background: 'red' } }).toFile(odd);
    try {
      const { stdout, stderr, error } = await runCommand(registerEmbed, [
        ...['embed', model, images, '-o', join(scratch, 'e.npy'), '--batch', '2', '--threads', '1', '--json'],
      ]);
      expect(error).toBeUndefined();
      const result = JSON.parse(stdout) as { embedded: number; failures: { file: string; error: string }[] };
      expect([result.embedded, result.failures.map(({ file }) => file)]).toEqual([
        5,
        ['id0/broken.png', 'id0/odd.png'],
      ]);
      expect(result.failures[1].error).toMatch(
        /^The crop has the wrong size; got: 50 wide, 50 high; expected: 3 wide, 2 high; next: .* --size 2x3/,
      );
      expect(stderr).toMatch(/warning: id0\/odd.png: The crop has the wrong size/);
      const files = (await readFile(join(scratch, 'e.npy.files.txt'), 'utf8')).trim().split('\n');
      expect(files.sort()).toEqual(crops.map(({ file }) => file).sort());
    } finally {
      await rm(odd);
    }
  });

  it('leaves out pictures that give no numbers, and fails where none gives any', async () => {
    const roots = join(scratch, 'roots.onnx');
    const spec = join(scratch, 'spec.json');
    await writeModel(roots, foreignModel({ outputs: { roots: 'roots' } }));
    await writeFile(spec, JSON.stringify(tinyInput));
    const run = (folder: string) =>
      runCommand(registerEmbed, ['embed', roots, folder, '-o', join(scratch, 'r.npy'), '--input-spec', spec, '--json']);
    const numbers = crops.filter(({ data }) => {
      return tinyEmbedding({ width: 3, height: 2, data }, { mirrored: false }).every((value) => value >= 0);
    });
    // Some have a root and some do not, or the test would show nothing.
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers.length).toBeLessThan(crops.length);
    const { stdout, error } = await run(images);
    expect(error).toBeUndefined();
    const result = JSON.parse(stdout) as { embedded: number; failures: { file: string; error: string }[] };
    expect(result.embedded).toBe(numbers.length);
    const without = result.failures.filter((failure) => failure.error.includes('no finite numbers'));
    expect(without.map(({ file }) => file).sort()).toEqual(
      crops.flatMap((crop) => (numbers.includes(crop) ? [] : [crop.file])).sort(),
    );

    const none = join(scratch, 'none', 'a');
    await mkdir(none, { recursive: true });
    const { data } = crops.find((crop) => !numbers.includes(crop))!;
    await sharp(data, { raw: { width: 3, height: 2, channels: 3 } }).toFile(join(none, '1.png'));
    expect(String((await run(join(scratch, 'none'))).error)).toMatch(/could be embedded[^]*no finite numbers/);
  });

  it('says that it cannot write before it reads anything', async () => {
    const args = ['embed', join(scratch, 'no-model.onnx'), images, '-o', join(scratch, 'nowhere', 'x.npz')];
    const { error } = await runCommand(registerEmbed, args);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/x.npz cannot be written[^]*no folder/);
  });

  it('refuses crops of another size and leaves no file behind', async () => {
    const other = join(scratch, 'other');
    await mkdir(join(other, 'a'), { recursive: true });
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } }).toFile(join(other, 'a', '1.png'));
    const before = await readdir(scratch);
    const { error } = await runCommand(registerEmbed, ['embed', model, other, '-o', join(scratch, 'x.npz')]);
    expect(error).toBeInstanceOf(SphereFaceError);
    expect(String(error)).toMatch(/4 wide, 4 high[^]*3 wide, 2 high/);
    expect(await readdir(scratch)).toEqual(before);
  });
});
