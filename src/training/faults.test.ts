// kill -9 at random moments, then resume: the weights at the end are those of a run that was never disturbed.
// Three kills in the ordinary suite; SPHEREFACE_FAULTS=20 npx vitest run src/training/faults.test.ts for the full number.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { tinySettings, writeTinyFaces } from '../testing/tiny-faces.js';
import { CheckpointStore } from './checkpoint.js';

const faults = Number(process.env.SPHEREFACE_FAULTS ?? 3);
const root = fileURLToPath(new URL('../..', import.meta.url));
// A checkpoint every second step, so that many kills fall into the writing of one.
const settings = [...tinySettings, 'solver.iterations=400', 'log={display: 3, checkpoint: 2, keep: 2}'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faults-'));
  await writeTinyFaces(join(folder, 'faces'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(run: string): string[] {
  const recipe = ['--recipe', 'sphereface-m4-small', ...settings.flatMap((setting) => ['--set', setting])];
  return [join(folder, 'faces'), ...recipe, '-o', join(folder, run)];
}

/** Runs `sphereface train` in its own process; kills it `after` milliseconds from its first words, if told. Resolves to how it ended. */
function train(args: readonly string[], after?: number): Promise<number | string> {
  const main = join(root, 'src/cli/main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', main, 'train', ...args, '--threads', '1'], { cwd: root });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  child.stdout.once('data', () => {
    if (after !== undefined) setTimeout(() => child.kill('SIGKILL'), after);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(code ?? signal!);
      else reject(new Error(`exit ${code}: ${errors}`));
    });
  });
}

/** The run ended with the bytes of the one that was never disturbed, and its log has every line once. */
async function expectAsWhole(run: string): Promise<void> {
  for (const file of ['checkpoints/400/parameters.safetensors', 'checkpoints/400/momentum.safetensors', 'model.onnx']) {
    const [whole, broken] = await Promise.all(['whole', run].map((name) => readFile(join(folder, name, file))));
    expect(whole.equals(broken), file).toBe(true);
  }
  const lines = (await readFile(join(folder, run, 'log.jsonl'), 'utf8')).trimEnd().split('\n');
  const iterations = lines.map((line) => (JSON.parse(line) as { iteration: number }).iteration);
  expect(iterations).toEqual([...Array.from({ length: 133 }, (_, i) => 3 * (i + 1)), 400]);
}

it(
  `survives ${faults} kills at random moments`,
  async () => {
    const random = new Random(Date.now());
    await train(start('whole'));
    let kills = 0;
    // A run may finish before all kills have come: then another one takes the rest.
    for (let round = 0; kills < faults; round++) {
      const run = `broken-${round}`;
      const store = new CheckpointStore(join(folder, run, 'checkpoints'), 2);
      let before = -1;
      let args = start(run);
      while ((await train(args, kills < faults ? random.between(0, 1200) : undefined)) !== 0) {
        kills++;
        const iterations = await store.iterations();
        // Never an unreadable checkpoint, never a step back.
        for (const iteration of iterations) await store.read(iteration);
        const newest = iterations.at(-1) ?? -1;
        expect(newest).toBeGreaterThanOrEqual(before);
        before = newest;
        args = ['--resume', join(folder, run)];
      }
      await expectAsWhole(run);
    }
    expect(kills).toBe(faults);
  },
  (faults + 2) * 60_000,
);
