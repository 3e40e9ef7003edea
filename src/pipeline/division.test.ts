import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parsePairs } from '../evaluation/index.js';
import { useScratch } from '../testing/scratch.js';
import { writeTinyFaces } from '../testing/tiny-faces.js';
import { divide } from './division.js';

const scratch = useScratch();

it('leaves out people whom no line can name, of training and evaluation, and says so', async () => {
  const aligned = join(scratch.folder, 'aligned');
  await writeTinyFaces(aligned, { identities: 8, each: 3, nameOf: (i) => (i < 4 ? `new\nline ${i}` : `person ${i}`) });
  const [list, file] = ['train.txt', 'pairs.txt'].map((name) => join(scratch.folder, name));
  const warnings: string[] = [];
  const division = await divide(
    { aligned, list, pairs: { file, given: false, holdOut: { share: 0.5 } } },
    { onWarning: (text) => warnings.push(text) },
  );
  expect(division).toMatchObject({ identities: 2, images: 6, heldOut: 2 });
  expect(warnings).toHaveLength(12);
  expect(warnings[0]).toMatch(/^new\\nline 0\/\S+ is left out: no line of a list can hold this path$/);
  const { pairs } = parsePairs(await readFile(file, 'utf8'), 'pairs.txt');
  for (const { a, b } of pairs) expect(`${a} ${b}`).toMatch(/^person \d\/\S+ person \d\/\S+$/);
  expect((await readFile(list, 'utf8')).trimEnd().split('\n')).toHaveLength(6);
});
