// Batches of a run: the same whatever is prefetched and cached, within their memory, ready in time; images that cannot be read.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneProcess } from '../distributed/index.js';
import { decodeCrop } from '../images/decode.js';
import type { DegradationOptions } from '../images/degradation.js';
import { throughJpeg } from '../images/encode.js';
import { publishedInput } from '../images/input.js';
import { tinySize, writeTinyFaces } from '../testing/tiny-faces.js';
import { noAugmentation } from '../images/augmentation.js';
import { float32Data } from '../runtime/index.js';
import { PackedImages } from './batch-images.js';
import { Loader, type LoaderOptions } from './loader.js';
import { openImageSource } from '../images/formats/index.js';
import { Sampler } from './sampler.js';
import { shareOf } from './step-share.js';
import type { ImageSource } from '../images/source.js';

const lossless: DegradationOptions = { lowResolution: null, jpeg: null, cutOut: null };

let folder: string;
let source: ImageSource;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loader-'));
  await writeTinyFaces(folder, { identities: 5, each: 7 });
  source = await openImageSource(folder);
});
afterAll(async () => {
  await source.dispose();
  await rm(folder, { recursive: true, force: true });
});

function loaderOf(change: Partial<LoaderOptions> = {}): Loader {
  const labels = source.entries.map((_, index) => Math.floor(index / 7));
  const input = { ...publishedInput, width: tinySize, height: tinySize };
  return new Loader({
    fit: 'exact',
    source,
    decode: decodeCrop,
    labels,
    sampler: new Sampler('shuffle', labels, 3),
    input,
    newImages: () => new PackedImages(input, change.batchSize ?? 10),
    augmentation: { ...noAugmentation, mirror: 0.5 },
    degradation: lossless,
    jpeg: undefined,
    batchSize: 10,
    iterSize: 1,
    share: shareOf({ batchSize: 10, iterSize: 1 }, oneProcess),
    prefetch: 3,
    cacheBytes: 2 ** 20,
    ...change,
  });
}

async function batches(loader: Loader, count: number) {
  const taken = [];
  for (let i = 0; i < count; i++) {
    const { images, labels, state } = await loader.next();
    taken.push({ images: float32Data(images.feeds.images).slice(), labels: [...labels], state });
  }
  await loader[Symbol.asyncDispose]();
  return taken;
}

describe('Loader', () => {
  it('gives the same batches whatever is prefetched and cached', async () => {
    const expected = await batches(loaderOf(), 9);
    expect(await batches(loaderOf({ prefetch: 1, cacheBytes: 0 }), 9)).toEqual(expected);
    expect(await batches(loaderOf({ prefetch: 7, cacheBytes: 20_000 }), 9)).toEqual(expected);
  });

  it('reports the state after the batch given out, not after those prefetched', async () => {
    const taken = await batches(loaderOf(), 5);
    const labels = source.entries.map((_, index) => Math.floor(index / 7));
    const sampler = new Sampler('shuffle', labels, 0);
    sampler.restore(taken[2].state);
    expect(await batches(loaderOf({ sampler }), 2)).toEqual(taken.slice(3));
  });

  it('takes quality from images, the same whatever is prefetched, and leaves which images come as it is', async () => {
    const lossy: Partial<LoaderOptions> = {
      degradation: {
        lowResolution: { chance: 0.5, factor: 4 },
        jpeg: { chance: 0.5, quality: 20 },
        cutOut: { chance: 0.5, side: 0.4 },
      },
      jpeg: throughJpeg,
    };
    const taken = await batches(loaderOf(lossy), 5);
    const whole = await batches(loaderOf(), 5);
    expect(taken.map(({ labels, state }) => ({ labels, state }))).toEqual(
      whole.map(({ labels, state }) => ({ labels, state })),
    );
    const stride = tinySize * tinySize * 3;
    const same = taken.flatMap(({ images }, batch) =>
      Array.from({ length: 10 }, (_, slot) => {
        const [from, to] = [slot * stride, (slot + 1) * stride];
        return images.slice(from, to).every((value, i) => value === whole[batch].images[from + i]);
      }),
    );
    // An eighth loses nothing.
    expect(same.filter(Boolean).length).toBeLessThan(25);
    expect(same.filter(Boolean).length).toBeGreaterThan(0);
    expect(await batches(loaderOf({ ...lossy, prefetch: 1, cacheBytes: 0 }), 5)).toEqual(taken);
    expect(() => loaderOf({ ...lossy, jpeg: undefined })).toThrow(/Nothing here encodes JPEG/);
  });

  it('keeps within its memory', async () => {
    let reads = 0;
    const counting: ImageSource = { ...source, entries: source.entries, read: (i) => (reads++, source.read(i)) };
    const crop = tinySize * tinySize * 3;
    await batches(loaderOf({ source: counting, cacheBytes: 1000 * crop, prefetch: 1 }), 14);
    // A batch over two epochs may ask for an image twice at once.
    expect(reads).toBeLessThanOrEqual(37);
    reads = 0;
    await batches(loaderOf({ source: counting, cacheBytes: 15 * crop, prefetch: 1 }), 14);
    expect(reads).toBeGreaterThan(80);
  });

  it('decodes ahead: a step waits for less than 3 % of its time', async () => {
    const loader = loaderOf({ cacheBytes: 0, batchSize: 32 });
    await loader.next();
    const before = loader.waited;
    const started = performance.now();
    for (let i = 0; i < 20; i++) {
      await loader.next();
      // The engine's step: as long as a real one takes per image at 300 images/s.
      await new Promise((resolve) => setTimeout(resolve, 32 * 3.3));
    }
    const seconds = (performance.now() - started) / 1000;
    expect((loader.waited - before) / seconds).toBeLessThan(0.03);
    await loader[Symbol.asyncDispose]();
  });

  it('fails when nothing can be read, and says why', async () => {
    const broken: ImageSource = { ...source, entries: source.entries, read: () => Promise.resolve(new Uint8Array(3)) };
    const loader = loaderOf({ source: broken });
    await expect(loader.next()).rejects.toThrow(/None of the images can be read/);
    expect(loader.unreadable.length).toBe(35);
    await loader[Symbol.asyncDispose]();
  });
});
