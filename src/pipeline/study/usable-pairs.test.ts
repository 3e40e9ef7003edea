// Pairs that cannot be evaluated are refused when a study is opened, in the words of the study.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MissingImagesError } from '../../evaluation/index.js';
import { writeTinyFaces } from '../../testing/tiny-faces.js';
import { parseStudy } from './load.js';
import { openStudy } from './run.js';
import { inStudyWords } from './usable-pairs.js';

let scratch: string;
let faces: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-usable-'));
  faces = join(scratch, 'faces');
  await writeTinyFaces(faces, { identities: 8, each: 4 });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const same = 'person-00/00.png person-00/01.png 1';
const other = 'person-00/00.png person-01/01.png 0';
const missing = 'person-00/00.png person-00/99.png 1';

async function open(lines: readonly string[], test: object): Promise<unknown> {
  const pairs = join(scratch, 'pairs.txt');
  await writeFile(pairs, lines.join('\n'));
  const study = parseStudy({
    name: 's',
    data: faces,
    validation: [{ holdOut: 0.3, pairsOfEachKind: 5 }],
    test: { pairs, images: faces, ...test },
    arms: { a: { recipe: 'sphereface-m1-small' } },
  });
  return openStudy(study, join(scratch, 'out')).catch((error: unknown) => error);
}

describe('the test pairs of a study', () => {
  it.each([
    [
      [same, other, missing],
      {},
      /test are missing\.[^]*1 of 3 pairs[^]*line 3: no image[^]*--set test\.allowMissing=true/,
    ],
    [[same, other], { images: undefined }, /images of the pairs are not given[^]*test\.images/],
    [[same], {}, /test cannot be evaluated[^]*1 matched and 0 mismatched[^]*both kinds/],
    [[other, missing], { allowMissing: true }, /0 matched and 1 mismatched[^]*test\.holdOut/],
    [[same, other], { protocol: '10-fold' }, /ten of each kind at least/],
    [[same, other], { protocol: 'k-fold' }, /ten of each kind at least/],
  ])('are refused before anything is trained: %j with %j', async (lines, test, message) => {
    expect(String(await open(lines, test))).toMatch(message);
    await expect(readdir(join(scratch, 'out', 'cells'))).rejects.toThrow(/ENOENT/);
  });

  it('are refused where folds of the file lack pairs', async () => {
    const table = ['a,b,same,fold', ...[1, 2].map((fold) => `${same.replaceAll(' ', ',')},${fold}`)];
    const mismatched = `${other.replaceAll(' ', ',')},1`;
    expect(String(await open([...table, mismatched], { protocol: '10-fold' }))).toMatch(
      /ten folds in test\.pairs, not 2/,
    );
    const lost = [...table.slice(0, 2), mismatched, `${missing.replaceAll(' ', ',')},2`];
    const test = { protocol: 'k-fold', allowMissing: true };
    expect(String(await open(lost, test))).toMatch(/usable pairs in each of the 2 of the file/);
    expect(await open([...table, mismatched], test)).toHaveProperty('cells');
  });

  it('have advice of the study when an image turns out unreadable', () => {
    const error = new MissingImagesError([{ line: 3, file: 'x', reason: 'cannot use x' }]);
    expect(String(inStudyWords(error, { field: 'validation.0' }))).toMatch(
      /pairs of validation\.0 cannot be used[^]*line 3: cannot use x[^]*--set validation\.0\.allowMissing=true/,
    );
    const unlike = new Error('other');
    expect(inStudyWords(unlike, { field: 'test' })).toBe(unlike);
  });
});
