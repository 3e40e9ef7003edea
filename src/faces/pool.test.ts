// Photos that take too long: the process is replaced, the photo is one line, and the others come through.
import type { ChildProcess } from 'node:child_process';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { manyScansJpeg } from '../testing/many-scans.js';
import type { PhotoJob } from './photo.js';
import { defaultPhotoSettings } from './photo-settings.js';
import { PhotoPool } from './pool.js';
import { PoolMember } from './pool-member.js';

const known = { faces: [], chosen: null };

async function small(file: string): Promise<PhotoJob> {
  const bytes = await sharp({ create: { width: 40, height: 30, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  return { file, bytes, known };
}

describe('PhotoPool', () => {
  it('gives up a photo whose decoding takes too long, and goes on with the others', async () => {
    // 300 kilobytes, some seconds: a hundred scans over a hundred megapixels, as many as are let through at all.
    const hostile = { file: 'hostile.jpg', bytes: manyScansJpeg(10_000, 10_000, 99), known };
    await using pool = await PhotoPool.start({ settings: defaultPhotoSettings, threads: 1, photoSeconds: 1 });
    const results = await Promise.all([
      pool.run(await small('a.png')),
      pool.run(hostile),
      pool.run(await small('b.png')),
      pool.run(await small('c.png')),
    ]);
    expect(results.map(({ gaveUp }) => gaveUp)).toEqual([undefined, 'late', undefined, undefined]);
    expect(results[1].detection).toEqual({ file: 'hostile.jpg', error: 'it took more than 1 s (--photo-seconds)' });
    expect(results.map(({ detection }) => detection.file)).toEqual(['a.png', 'hostile.jpg', 'b.png', 'c.png']);
    for (const index of [0, 2, 3]) expect(results[index].detection).toMatchObject({ width: 40, height: 30 });
  });

  it('tries a photo again, alone, whose process ended, and then gives it up; the others come through', async () => {
    const slow = { file: 'slow.jpg', bytes: manyScansJpeg(10_000, 10_000, 99), known };
    await using member = new PoolMember({ weights: undefined, settings: defaultPhotoSettings, device: 'cpu' }, 60);
    await member.ready;
    const results = Promise.all([member.run(slow), member.run(await small('b.png')), member.run(await small('c.png'))]);
    // What a decoder that crashes, or a lack of memory, does: the process in which the photo is being decoded ends.
    const killed = new Set<number>();
    let settled = false;
    void results.finally(() => (settled = true));
    while (!settled) {
      const { child, started } = member as unknown as { readonly child: ChildProcess; readonly started: boolean };
      if (killed.size < 2 && started && child.pid !== undefined && !killed.has(child.pid)) {
        killed.add(child.pid);
        child.kill('SIGKILL');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const [first, ...others] = await results;
    expect(killed.size).toBe(2);
    expect(first).toMatchObject({ gaveUp: 'died', detection: { file: 'slow.jpg' } });
    expect(first.detection).toMatchObject({ error: 'the process that worked on it ended twice (SIGKILL)' });
    expect(others.map(({ detection }) => detection)).toMatchObject([
      { file: 'b.png', width: 40 },
      { file: 'c.png', width: 40 },
    ]);
  });
});
