// Crops of synthetic people: what is there is left alone, and nothing is told of it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeSyntheticCrops } from './crops.js';

it('tells of progress where something is drawn, and else nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sphereface-crops-'));
  try {
    const told: number[] = [];
    const write = () =>
      writeSyntheticCrops(folder, { identities: 2, photosPerIdentity: 2, seed: 1 }, (n) => told.push(n));
    await write();
    expect(told.splice(0)).toEqual([1, 2, 3, 4]);
    await write();
    expect(told.splice(0)).toEqual([]);
    await rm(join(folder, 'person-001', '00.jpg'));
    await write();
    expect(told).toEqual([3, 4]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
