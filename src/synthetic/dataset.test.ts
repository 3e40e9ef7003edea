// Synthetic photos in folders: opened as images, completed to the same bytes, and other people for another seed.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openImageSource } from '../images/index.js';
import { writeSyntheticPhotos } from './dataset.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sphereface-synthetic-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const options = { identities: 2, photosPerIdentity: 3, seed: 7, size: 64 };

describe('writeSyntheticPhotos', () => {
  it('writes a folder of identity folders that the data layer opens', async () => {
    const counts: number[] = [];
    expect(await writeSyntheticPhotos(folder, options, (done) => counts.push(done))).toBe(6);
    expect(counts).toEqual([1, 2, 3, 4, 5, 6]);
    const source = await openImageSource(folder);
    expect(source.entries.map(({ identity }) => identity)).toEqual([
      'person-000',
      'person-000',
      'person-000',
      'person-001',
      'person-001',
      'person-001',
    ]);
    await source.dispose();
  });

  it('renders only what is missing, to the same bytes', async () => {
    await writeSyntheticPhotos(folder, options);
    const lost = join(folder, 'person-001', '01.jpg');
    const kept = join(folder, 'person-000', '00.jpg');
    const before = await readFile(lost);
    const { mtimeMs } = await stat(kept);
    await rm(lost);
    expect(await writeSyntheticPhotos(folder, options)).toBe(1);
    expect(await readFile(lost)).toEqual(before);
    expect((await stat(kept)).mtimeMs).toBe(mtimeMs);
  });

  it('draws other people for another seed', async () => {
    await writeSyntheticPhotos(join(folder, 'a'), { ...options, identities: 1 });
    await writeSyntheticPhotos(join(folder, 'b'), { ...options, identities: 1, seed: 8 });
    const [a, b] = await Promise.all(['a', 'b'].map((name) => readFile(join(folder, name, 'person-000', '00.jpg'))));
    expect(a).not.toEqual(b);
    expect(await readdir(join(folder, 'a', 'person-000'))).toEqual(['00.jpg', '01.jpg', '02.jpg']);
  });
});
