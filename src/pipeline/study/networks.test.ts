// Runs that are not what their recipe says by itself: the data state another alignment, or the network lies in a file.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestOf } from '../../testing/crop-manifest.js';
import { tinySettings, writeTinyFaces } from '../../testing/tiny-faces.js';
import { evaluateSnapshots } from '../snapshots.js';
import { estimate } from './estimate.js';
import { parseStudy } from './load.js';
import { runOf } from './records.js';
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

describe('a study of networks from ONNX files', { timeout: 600_000 }, () => {
  const small = ['solver={batchSize: 8, iterations: 8, baseLearningRate: 0.01}', 'solver.warmUp.iterations=0'];
  const tuned = { recipe: 'fine-tune', set: [...small, 'input.width=16', 'input.height=16', 'log.display=4'] };

  it('trains and judges them, and knows them by the bytes of their file', async () => {
    const made = await open('made', { base: scratchArm });
    await runStudy(made, join(scratch, 'made'), { threads });
    const model = join(scratch, 'M.onnx');
    await cp(join(runOf(made.cells[0]), 'model.onnx'), model);
    const arms = {
      given: { ...tuned, init: model },
      named: { ...tuned, set: [...tuned.set, `network.file=${model}`] },
      base: scratchArm,
      taken: { ...tuned, from: 'base' },
    };
    const plan = await open('files', arms);
    // The file of the last one is not there yet.
    expect((await estimate(plan, { threads })).seconds).toBeGreaterThan(0);
    expect(await errorsOf('files', arms)).toEqual([null, null, null, null]);
    const finished = await open('files', arms);
    expect((await estimate(finished, { threads })).from).toEqual({ finishedCells: 0, runs: 0, measured: 0 });
    expect(finished.cells.map(({ key }) => key)).toEqual(plan.cells.map(({ key }) => key));
    const run = runOf(plan.cells[0]);
    const { result } = await evaluateSnapshots({
      ...{ run, snapshots: 'all', protocol: 'best-threshold', output: join(scratch, 'snapshots'), open: { threads } },
      ...{ pairs: plan.data.test.pairs, images: faces },
    });
    expect(result.snapshots).toHaveLength(1);

    await cp(join(run, 'model.onnx'), model);
    const changed = (await open('files', arms)).cells;
    expect(changed.map(({ key }, i) => key === plan.cells[i].key)).toEqual([false, false, true, true]);
    await rm(model);
    await expect(open('files', arms)).rejects.toThrow(/M\.onnx/);
  });
});
