// Checkpoints: read back as written, only the newest kept, and half-written or damaged ones passed over.
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { type Checkpoint, CheckpointStore } from './checkpoint.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoints-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function checkpoint(iteration: number): Checkpoint {
  const random = new Random(iteration).state;
  return {
    state: {
      format: 1,
      iteration,
      sampler: { epochStart: random, position: 3, epoch: 1, random },
      guard: { smoothedLoss: 2.5, aboveChance: 0 },
    },
    parameters: new Map([['w', { shape: [2], data: Float32Array.of(iteration, 1) }]]),
    momentum: new Map([['w', { shape: [2], data: Float32Array.of(0, -iteration) }]]),
  };
}

describe('CheckpointStore', () => {
  it('reads back what it wrote, newest first, and keeps only as many as told', async () => {
    const store = new CheckpointStore(folder, 2);
    for (const iteration of [9, 10, 100]) await store.write(checkpoint(iteration));
    expect(await store.iterations()).toEqual([10, 100]);
    expect(await store.latest()).toEqual(checkpoint(100));
    expect((await readdir(folder)).sort()).toEqual(['10', '100']);
  });

  it('replaces a checkpoint of the same iteration', async () => {
    const store = new CheckpointStore(folder, 2);
    await store.write(checkpoint(5));
    await store.write(checkpoint(5));
    expect(await store.latest()).toEqual(checkpoint(5));
  });

  it('does not see what a killed run left half written, and cleans it up', async () => {
    const store = new CheckpointStore(folder, 2);
    await store.write(checkpoint(5));
    await mkdir(join(folder, '.unfinished-6'));
    await writeFile(join(folder, '.unfinished-6', 'state.json'), '{');
    await mkdir(join(folder, '.unfinished-6-0a1b2c3d'));
    await mkdir(join(folder, '.removed-4'));
    expect((await store.latest())?.state.iteration).toBe(5);
    await store.clean();
    expect(await readdir(folder)).toEqual(['5']);
  });

  it('gives each writer a folder of its own to fill', async () => {
    const store = new CheckpointStore(folder, 2);
    for (const iteration of [7, 8]) await store.write(checkpoint(iteration));
    // As an older version called it.
    for (const other of ['.unfinished-9', '.unfinished-9-0a1b2c3d']) await mkdir(join(folder, other));
    await store.write(checkpoint(9));
    expect((await readdir(folder)).sort()).toEqual(['.unfinished-9', '.unfinished-9-0a1b2c3d', '8', '9']);
  });

  it('falls back when the newest cannot be read, and says so', async () => {
    const store = new CheckpointStore(folder, 3);
    await store.write(checkpoint(5));
    await store.write(checkpoint(6));
    await truncate(join(folder, '6', 'parameters.safetensors'), 20);
    const warnings: string[] = [];
    expect((await store.latest((message) => warnings.push(message)))?.state.iteration).toBe(5);
    expect(warnings).toEqual([expect.stringContaining('checkpoint 6 cannot be read')]);
    await writeFile(join(folder, '5', 'state.json'), '{"format": 2}');
    await expect(store.latest()).rejects.toThrow(/No checkpoint .* can be read/);
  });

  it('keeps what it has just written, whatever lies beside it', async () => {
    const store = new CheckpointStore(folder, 2);
    for (const iteration of [5, 8, 9]) await store.write(checkpoint(iteration));
    await store.write(checkpoint(6));
    expect(await store.read(6)).toEqual(checkpoint(6));
  });

  it('sets aside what comes after a checkpoint, and says so', async () => {
    const store = new CheckpointStore(folder, 3);
    for (const iteration of [5, 8, 9]) await store.write(checkpoint(iteration));
    const warnings: string[] = [];
    for (let times = 0; times < 2; times++) {
      await store.write(checkpoint(9));
      await store.setAsideAfter(5, (message) => warnings.push(message));
    }
    expect((await readdir(folder)).sort()).toEqual(['5', 'unreadable-8', 'unreadable-9']);
    expect(warnings.map((text) => text.split(' is set aside')[0])).toEqual([8, 9, 9].map((n) => `checkpoint ${n}`));
  });

  it('has no latest in an empty or absent folder', async () => {
    expect(await new CheckpointStore(join(folder, 'none'), 1).latest()).toBeUndefined();
  });
});
