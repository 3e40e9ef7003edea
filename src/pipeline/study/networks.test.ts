// Runs that are not what their recipe says by itself: the data state another alignment, or the network lies in a file.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestOf } from '../../testing/crop-manifest.js';
import { tinySettings, writeTinyFaces } from '../../testing/tiny-faces.js';
import { parseStudy } from './load.js';
import { openStudy, runStudy } from './run.js';
import type { StudyInput } from './schema.js';

let scratch: string;
let faces: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-study-networks-'));
  faces = join(scratch, 'faces');
  await writeTinyFaces(faces, { identities: 12, each: 6 });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const threads = 1;

const open = (name: string, arms: StudyInput['arms']) =>
  openStudy(
    parseStudy({
      name: 'networks',
      data: faces,
      validation: [{ holdOut: 0.25, pairsOfEachKind: 20 }],
      test: { holdOut: 0.25, pairsOfEachKind: 20 },
      seeds: 1,
      snapshots: 2,
      arms,
    }),
    join(scratch, name),
  );
/** The errors of the cells; all `null` where each was judged. */
const errorsOf = async (name: string, arms: StudyInput['arms']) => {
  const { summary } = await runStudy(await open(name, arms), join(scratch, name), { threads });
  expect(summary.cells.every(({ status, error }) => status === 'judged' || error !== null)).toBe(true);
  return summary.cells.map(({ error }) => error);
};

const scratchArm = { recipe: 'sphereface-m4-small', set: [...tinySettings, 'solver.iterations=8', 'log.display=4'] };

describe('a study on crops that state another alignment than the recipe', { timeout: 600_000 }, () => {
  it('judges its runs as what they became', async () => {
    const manifest = join(faces, 'manifest.json');
    await writeFile(manifest, JSON.stringify(manifestOf(1, 'umeyama')));
    expect(await errorsOf('umeyama', { base: scratchArm })).toEqual([null]);
    await rm(manifest);
  });
});
