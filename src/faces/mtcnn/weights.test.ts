// Fetching weights: the order of sources, the digests, the cache.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { networkNames, networks, weightSlots } from './networks.js';
import { writeCaffeModel } from '../../testing/caffe-writer.js';
import { sharedMtcnn } from '../../testing/mtcnn-weights.js';
import { cacheFolder } from '../../models/cache.js';
import { digestOf, mtcnnDigests } from './weight-files.js';
import { loadMtcnnWeights, type WeightSource } from './weights.js';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'sphereface-weights-'));
});
afterEach(() => rm(cache, { recursive: true }));

const fileNames = ['det1.caffemodel', 'det2.caffemodel', 'det3.caffemodel'];

/** Files of the right form that hold other numbers than the published ones. */
function forgedFiles(): Map<string, Uint8Array> {
  return new Map(
    networkNames.map((network, i) => {
      const slots = weightSlots(networks[network]);
      const layers = [...new Set(slots.map(({ layer }) => layer))].map((name) => ({
        name,
        type: 'Any',
        blobs: slots
          .filter(({ layer }) => layer === name)
          .map(({ shape }) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5) })),
      }));
      return [fileNames[i], writeCaffeModel(layers)];
    }),
  );
}

class FakeSource implements WeightSource {
  asked = 0;
  constructor(
    readonly name: string,
    private readonly answer: () => ReadonlyMap<string, Uint8Array>,
  ) {}

  fetch(): Promise<ReadonlyMap<string, Uint8Array>> {
    this.asked++;
    return Promise.resolve().then(this.answer);
  }
}

const broken = () =>
  new FakeSource('a broken mirror', () => {
    throw new Error('no such host');
  });
const forged = () => new FakeSource('a forger', forgedFiles);

describe('loadMtcnnWeights', () => {
  it('asks the sources in order and says what each answered', async () => {
    const sources = [broken(), forged()];
    const log: string[] = [];
    const loading = loadMtcnnWeights({ cache, sources, log: (line) => log.push(line) });
    await expect(loading).rejects.toThrow(
      /could not be fetched[\s\S]*no such host[\s\S]*not the published ones[\s\S]*`models/,
    );
    expect(sources.map(({ asked }) => asked)).toEqual([1, 1]);
    expect(log.map((line) => line.replace(/.* from /, ''))).toEqual(['a broken mirror', 'a forger']);
  });

  it('keeps nothing that it has not verified', async () => {
    await expect(loadMtcnnWeights({ cache, sources: [forged()] })).rejects.toThrow();
    expect(await readdir(cache)).toEqual([]);
  });

  it('refuses a folder with other weights, and a folder without any', async () => {
    for (const [name, bytes] of forgedFiles()) await writeFile(join(cache, name), bytes);
    await expect(loadMtcnnWeights({ models: cache })).rejects.toThrow(/pnet are not the published ones[\s\S]*SHA-256/);
    await expect(loadMtcnnWeights({ models: join(cache, 'nothing') })).rejects.toThrow(
      /no MTCNN weights[\s\S]*det1\.caffemodel/,
    );
  });
});

describe('digestOf', () => {
  it('is SHA-256 over the arrays, one after the other', () => {
    // printf '\x00\x00\x80\x3f\x00\x00\x00\x40' | sha256sum
    const digest = 'b9c80b5adeca450753a16950c3cc655d271f7bef7a485bc83f112b72fef21d37';
    expect(digestOf([Float32Array.of(1, 2)])).toBe(digest);
    expect(digestOf([Float32Array.of(1), Float32Array.of(2)])).toBe(digest);
    expect(digestOf([Float32Array.of(1, 2)])).not.toBe(digestOf([Float32Array.of(2, 1)]));
    expect(Object.values(mtcnnDigests).every((text) => /^[0-9a-f]{64}$/.test(text))).toBe(true);
  });
});

describe('cacheFolder', () => {
  it('obeys XDG_CACHE_HOME where that is an absolute path', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/var/cache' })).toBe('/var/cache/sphereface-plus');
    expect(cacheFolder({ XDG_CACHE_HOME: 'relative' })).toMatch(/\.cache\/sphereface-plus$/);
    expect(cacheFolder({})).toMatch(/\.cache\/sphereface-plus$/);
  });
});

const there = existsSync(sharedMtcnn);
describe.skipIf(!there)(`with the official files ${there ? '' : 'skipped: no ../shared/models/mtcnn'}`, () => {
  const official = async () =>
    new Map(await Promise.all(fileNames.map(async (name) => [name, await readFile(join(sharedMtcnn, name))] as const)));

  it('verifies them, keeps them, and needs no source the second time', async () => {
    const files = await official();
    const source = new FakeSource('the official files', () => files);
    const first = await loadMtcnnWeights({ cache, sources: [broken(), source] });
    expect(first.fetchedFrom).toBe('the official files');
    const second = await loadMtcnnWeights({ cache, sources: [] });
    expect(second.fetchedFrom).toBeUndefined();
    for (const name of networkNames) expect(digestOf(second.weights[name])).toBe(digestOf(first.weights[name]));
    expect(source.asked).toBe(1);
  });

  it('fetches again when the cache is damaged', async () => {
    const files = await official();
    const source = new FakeSource('the official files', () => files);
    await loadMtcnnWeights({ cache, sources: [source] });
    await writeFile(join(cache, 'mtcnn', fileNames[1]), files.get(fileNames[1])!.subarray(0, 1000));
    const log: string[] = [];
    await loadMtcnnWeights({ cache, sources: [source], log: (line) => log.push(line) });
    expect(source.asked).toBe(2);
    expect(log[0]).toMatch(/cached weights .* fetched again/);
    expect((await readdir(join(cache, 'mtcnn'))).sort()).toEqual(fileNames);
  });

  it('finds them in a folder of models and in its mtcnn subfolder', async () => {
    expect((await loadMtcnnWeights({ models: sharedMtcnn })).folder).toBe(sharedMtcnn);
    expect((await loadMtcnnWeights({ models: join(sharedMtcnn, '..') })).folder).toBe(join(sharedMtcnn, '..', 'mtcnn'));
  });

  it('names the file that is damaged', async () => {
    for (const [name, bytes] of await official()) {
      await writeFile(join(cache, name), name === fileNames[1] ? bytes.subarray(0, 1000) : bytes);
    }
    await expect(loadMtcnnWeights({ models: cache })).rejects.toThrow(/det2\.caffemodel does not hold/);
  });

  it('notices a single changed value', async () => {
    for (const [name, bytes] of await official()) {
      const changed = Buffer.from(bytes);
      if (name === fileNames[2]) changed[changed.length >> 1] ^= 1;
      await writeFile(join(cache, name), changed);
    }
    await expect(loadMtcnnWeights({ models: cache })).rejects.toThrow(/onet are not the published ones/);
  });
});
