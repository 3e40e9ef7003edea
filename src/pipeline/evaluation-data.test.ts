// Pair files and lists in the encodings that people's tools write.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolvePairs } from '../evaluation/index.js';
import { openEvaluationData, readImageList } from './evaluation-data.js';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'evaluation-data-'));
  await mkdir(join(scratch, 'faces', 'Zoë'), { recursive: true });
  for (const file of ['1.png', '2.png']) await writeFile(join(scratch, 'faces', 'Zoë', file), 'x');
});
afterAll(() => rm(scratch, { recursive: true }));

it.each([
  ['utf8', 0],
  ['utf16le', 0],
  ['latin1', 1],
] as const)('pairs and lists in %s name the images that are meant', async (encoding, warned) => {
  const pairs = join(scratch, `pairs-${encoding}.txt`);
  const mark = encoding === 'utf16le' ? '\uFEFF' : '';
  await writeFile(pairs, Buffer.from(`${mark}Zoë/1.png Zoë/2.png 1\n`, encoding));
  const { pairFile, names, source, warnings } = await openEvaluationData({ pairs, images: join(scratch, 'faces') });
  try {
    expect(resolvePairs(pairFile.pairs, names).kept.length).toBe(1);
    expect(warnings).toEqual(
      Array(warned).fill(expect.stringMatching(/pairs-latin1\.txt is not in UTF-8; it was read as/)),
    );
    const list = join(scratch, `list-${encoding}.txt`);
    await writeFile(list, Buffer.from(`${mark}Zoë/1.png\tZoë\n`, encoding));
    const said: string[] = [];
    expect(await readImageList(list, names, (warning) => said.push(warning))).toEqual([
      { line: 1, file: 'Zoë/1.png', identity: 'Zoë' },
    ]);
    expect(said.length).toBe(warned);
  } finally {
    await source.dispose();
  }
});
