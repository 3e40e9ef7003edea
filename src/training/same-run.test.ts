// Ranks that are about to train different things are told apart before the first step, and nothing is written.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localGroup } from '../distributed/index.js';
import { tinyRecipe, writeTinyFaces } from '../testing/tiny-faces.js';
import { startRun } from './run.js';
import type { StartOptions } from './run-setup.js';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'same-'));
  await writeTinyFaces(join(scratch, 'faces'));
  // The same names, other people.
  await writeTinyFaces(join(scratch, 'others'), { seed: 2 });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Starts a run on two ranks, the second of which is different; how each ended. */
async function start(different: Partial<StartOptions>): Promise<string[]> {
  const data = join(scratch, 'faces');
  const folder = join(scratch, 'run');
  const outcomes = await Promise.allSettled(
    localGroup(2).map((communicator) =>
      startRun({
        ...{ data, folder, recipe: tinyRecipe('solver.iterations=1'), threads: 1, communicator },
        ...(communicator.rank === 1 ? different : {}),
      }),
    ),
  );
  expect(existsSync(folder)).toBe(false);
  return outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason));
}

it.each([
  [
    'recipes',
    () => ({ recipe: tinyRecipe('solver.iterations=1', 'solver.momentum=0.8') }),
    /same recipe\.solver\.momentum\.\n {2}got: 0\.9 on rank 0 on here, 0\.8 on rank 1/,
  ],
  [
    'data',
    () => ({ data: join(scratch, 'others') }),
    /same data\.\n {2}got: 48 images of 6 identities \(names (\w+), bytes \w+\) on rank 0 on here, 48 .*names \1/,
  ],
])('tells other %s apart', async (_, different, message) => {
  for (const error of await start(different())) expect(error).toMatch(message);
});

it('says which rank has no data', async () => {
  const [first, second] = await start({ data: join(scratch, 'nothing') });
  expect(second).toMatch(/nothing/);
  expect(first).toMatch(/Rank 1 on here failed\.\n {2}got: .*nothing/);
});
