// `mpirun -n N sphereface train`: the same as one process, the same bits for the same N, and nothing lost when a rank is killed.
// One kill in the ordinary suite; SPHEREFACE_FAULTS=20 npx vitest run src/training/mpirun.test.ts for the full number.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { largestDifference } from '../testing/close.js';
import { built } from '../testing/installed-package.js';
import { interrupted, killRank, mpiTitle, mpiWorks, runRanks } from '../testing/mpirun.js';
import { tinyRecipe, tinySettings, writeTinyFaces } from '../testing/tiny-faces.js';
import { CheckpointStore } from './checkpoint.js';
import { startRun } from './run.js';

const faults = Number(process.env.SPHEREFACE_FAULTS ?? 1);
/** The build and not the sources: what compiles them at each start takes longer than these runs. `npm test` builds first. */
const main = 'dist/cli/main.js';
const iterations = 200;
const settings = [
  `solver.iterations=${iterations}`,
  'loss.energy={form: riesz, weight: {type: auto, share: 0.2}}',
  // Checkpoints close together, so that many kills fall into the writing of one; that of step 20 stays.
  'log={display: 10, checkpoint: 4, keep: 1000}',
];

let folder: string;
let faces: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpirun-'));
  faces = join(folder, 'faces');
  await writeTinyFaces(faces);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const storeOf = (run: string) => new CheckpointStore(join(folder, run, 'checkpoints'), 1000);

function start(run: string, ...more: string[]): string[] {
  const sets = [...tinySettings, ...settings, ...more].flatMap((setting) => ['--set', setting]);
  return [main, 'train', faces, '--recipe', 'sphereface-m4-small', ...sets, '-o', join(folder, run)];
}

/** The largest difference of any parameter, relative to its largest value. */
async function difference(a: string, b: string, iteration: number): Promise<number> {
  const [first, second] = await Promise.all([a, b].map((run) => storeOf(run).read(iteration)));
  let largest = 0;
  for (const [name, { data }] of first.parameters) {
    const other = second.parameters.get(name)!.data as Float32Array;
    largest = Math.max(largest, largestDifference(data as Float32Array, other));
  }
  return largest;
}

/** Runs that end alike end in the same bytes. */
async function expectSameEnd(a: string, b: string): Promise<void> {
  for (const file of ['parameters.safetensors', 'momentum.safetensors', 'state.json']) {
    const path = join('checkpoints', String(iterations), file);
    const [first, second] = await Promise.all([a, b].map((run) => readFile(join(folder, run, path))));
    expect(first.equals(second), file).toBe(true);
  }
}

describe.skipIf(!mpiWorks || !built)(
  `training ${mpiTitle}${built ? '' : ' (skipped: npm run build comes first)'}`,
  () => {
    beforeAll(async () => {
      expect(await runRanks(2, start('two'))).toMatchObject({ status: 0 });
    });

    it('ends where one process does, on two ranks and on four that go on from its checkpoint', async () => {
      const recipe = tinyRecipe(...settings, 'solver.iterations=20');
      await startRun({ data: faces, recipe, folder: join(folder, 'one'), threads: 1 });
      const half = { ...recipe, solver: { ...recipe.solver, iterations: 10 } };
      await startRun({ data: faces, recipe: half, folder: join(folder, 'four'), threads: 1 });
      const { status, stdout } = await runRanks(4, [
        main,
        'train',
        '--resume',
        join(folder, 'four'),
        '--iterations',
        '20',
      ]);
      expect(stdout).toMatch(/4 ranks through Open MPI/);
      expect(status).toBe(0);
      for (const run of ['two', 'four']) expect(await difference('one', run, 20), run).toBeLessThan(1e-5);
    });

    it(
      `ends in the same bits after ${faults} kills`,
      async () => {
        const random = new Random(Date.now());
        let kills = 0;
        for (let round = 0; kills < faults; round++) {
          const run = `broken-${round}`;
          let args = start(run);
          for (;;) {
            const rank = random.integer(2);
            const end =
              kills < faults
                ? await interrupted(2, args, random.between(0, 400), (pid) => killRank(pid, rank, 2))
                : await runRanks(2, args);
            if (end.status === 0) break;
            kills++;
            expect(end.stderr).toMatch(
              new RegExp(`process rank ${rank} with PID \\d+ on node \\S+ exited on signal 9`),
            );
            // Never a checkpoint that cannot be read.
            for (const iteration of await storeOf(run).iterations()) await storeOf(run).read(iteration);
            args = [main, 'train', '--resume', join(folder, run)];
          }
          await expectSameEnd('two', run);
        }
      },
      (faults + 4) * 60_000,
    );

    it('stops on all ranks after the same step, and goes on to the same end', async () => {
      const end = await interrupted(2, start('stopped'), 0, (pid) => process.kill(pid, 'SIGUSR2'));
      expect(end.status, end.stdout).toBe(130);
      const step = Number(/stopped at iteration (\d+)/.exec(end.stdout)![1]);
      expect((await storeOf('stopped').iterations()).at(-1)).toBe(step);
      expect(await runRanks(2, [main, 'train', '--resume', join(folder, 'stopped')])).toMatchObject({ status: 0 });
      await expectSameEnd('two', 'stopped');
    });

    it('tells once what is wrong on all ranks, and ends', async () => {
      const { status, stderr } = await runRanks(2, [main, 'train', '--resume', join(folder, 'nothing')]);
      expect(status).toBe(1);
      expect(stderr.match(/error: /g)).toHaveLength(1);
      expect(stderr).toMatch(/rank 0 on \S+: error: .*nothing holds no run/);
    });
  },
);
