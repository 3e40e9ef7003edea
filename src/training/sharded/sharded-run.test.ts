// A run with a divided classifier from its start to its model: the files of a run with a whole one, started from rows by name, resumed by
// another number of processes. The processes are members of a group within this one; in the last test they are mpirun's.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localGroup } from '../../distributed/index.js';
import { Random } from '../../common/random.js';
import { type Tensor } from '../../models/index.js';
import { readClassifier } from '../../models/classifier-file.js';
import { largestDifference } from '../../testing/close.js';
import { built } from '../../testing/installed-package.js';
import { interrupted, killRank, mpiTitle, mpiWorks, runRanks } from '../../testing/mpirun.js';
import { tinyRecipe, tinySettings, writeTinyFaces } from '../../testing/tiny-faces.js';
import { CheckpointStore } from '../checkpoint.js';
import type { InitReport } from '../init.js';
import { readInitialWeights } from '../initial-weights.js';
import { classifierName } from '../network.js';
import { resumeRun, startRun } from '../run.js';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sharded-run-'));
  await writeTinyFaces(at('faces'), { identities: 9, each: 4 });
  // Two of the nine, and three others.
  await writeTinyFaces(at('others'), {
    identities: 5,
    each: 4,
    nameOf: (i) => `person-${String(i + 7).padStart(2, '0')}`,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settings = ['solver={iterations: 6, batchSize: 8}', 'log={display: 2, checkpoint: 2, keep: 9}'];
const sharded = tinyRecipe(...settings, 'solver.classifier=sharded');
const dense = tinyRecipe(...settings);

type Start = Omit<Parameters<typeof startRun>[0], 'communicator' | 'threads' | 'data'> & { readonly data?: string };

/** Starts a run on so many processes; gives what they were warned of. */
async function start(size: number, options: Start): Promise<string[]> {
  const warnings: string[] = [];
  // On a busy machine one may be slow.
  const onWarning = (text: string) => void (text.includes('is slow') || warnings.push(text));
  const all = { data: at('faces'), threads: 1, onWarning, ...options };
  await Promise.all(localGroup(size).map((communicator) => startRun({ ...all, communicator })));
  return warnings;
}

function difference(a: Tensor | undefined, b: Tensor | undefined): number {
  expect(b!.shape).toEqual(a!.shape);
  return largestDifference(a!.data, b!.data);
}

describe('a run on 2 processes', () => {
  beforeAll(async () => {
    await start(1, { recipe: dense, folder: at('dense') });
    await start(2, { recipe: sharded, folder: at('sharded') });
  });

  it('ends with the model and the classifier of a run that is not divided', async () => {
    const [expected, classifier] = await Promise.all([
      readInitialWeights(at('dense', 'model.onnx')),
      readClassifier(at('sharded', 'model.onnx')),
    ]);
    const got = await readInitialWeights(at('sharded', 'model.onnx'));
    expect([...got.parameters.keys()]).toEqual([...expected.parameters.keys()]);
    for (const [name, tensor] of expected.parameters) {
      expect(difference(tensor, got.parameters.get(name)), name).toBeLessThan(1e-5);
    }
    expect(classifier?.identities).toEqual(expected.identities);
    expect(classifier?.input).toEqual(expected.input);
    // The newest checkpoint has the same rows, for those who start from the run and not from its model.
    const fromRun = await readInitialWeights(at('sharded'));
    expect(fromRun.parameters.get(classifierName)).toEqual(classifier?.parameters.get(classifierName));
  });

  it('has one line for each that is displayed', async () => {
    const lines = async (run: string) =>
      (await readFile(at(run, 'log.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number>);
    const [one, two] = await Promise.all(['dense', 'sharded'].map(lines));
    expect(two.map(({ iteration }) => iteration)).toEqual([2, 4, 6]);
    for (const [i, { loss, minimumAngle }] of two.entries()) {
      expect(loss).toBeCloseTo(one[i].loss, 4);
      expect(minimumAngle).toBeCloseTo(one[i].minimumAngle, 3);
    }
  });

  it('gives its rows, by name, to a divided classifier of other people', async () => {
    const warnings = await start(2, { recipe: sharded, data: at('others'), folder: at('next'), init: at('sharded') });
    expect(warnings).toEqual([]);
    const report = JSON.parse(await readFile(at('next', 'init.json'), 'utf8')) as InitReport;
    expect(report.rows?.matched).toEqual(['person-07', 'person-08']);
    expect(report.rows?.fresh).toEqual(['person-09', 'person-10', 'person-11']);
    const [from, to] = [
      await readInitialWeights(at('sharded')),
      await readInitialWeights(at('next', 'checkpoints', '0')),
    ];
    const row = (weights: typeof from, name: string) => {
      const place = weights.identities!.indexOf(name);
      return weights.parameters.get(classifierName)!.data.subarray(place * 8, place * 8 + 8);
    };
    for (const name of report.rows!.matched) {
      row(from, name).forEach((x, i) => expect(row(to, name)[i]).toBeCloseTo(x, 6));
    }
  });

  it('goes on, longer, on 3 processes', async () => {
    const six = tinyRecipe(...settings, 'solver={classifier: sharded, batchSize: 6}');
    await start(2, { recipe: six, folder: at('longer') });
    await Promise.all(
      localGroup(3).map((communicator) => resumeRun(at('longer'), { iterations: 9, threads: 1, communicator })),
    );
    const whole = { ...six, solver: { ...six.solver, iterations: 9 } };
    await start(1, { recipe: whole, folder: at('nine') });
    const [expected, got] = await Promise.all(['nine', 'longer'].map((run) => readInitialWeights(at(run))));
    for (const [name, tensor] of expected.parameters) {
      expect(difference(tensor, got.parameters.get(name)), name).toBeLessThan(1e-5);
    }
  });

  it('warns when the rows know nothing of the people of that name', async () => {
    await writeTinyFaces(at('namesakes'), { identities: 9, each: 4, seed: 5 });
    const known = tinyRecipe(...settings, 'solver={iterations: 60, classifier: sharded}', 'guard.explosion=1000');
    await start(1, { recipe: known, folder: at('known') });
    const other = { recipe: { ...known, solver: { ...known.solver, iterations: 1 } }, init: at('known') };
    expect(await start(2, { ...other, data: at('faces'), folder: at('same') })).toEqual([]);
    const warnings = await start(2, { ...other, data: at('namesakes'), folder: at('strangers') });
    expect(warnings).toEqual([expect.stringMatching(/no more than by chance/)]);
  });
});

const faults = Number(process.env.SPHEREFACE_FAULTS ?? 1);

describe.skipIf(!mpiWorks || !built)(`a run ${mpiTitle}${built ? '' : ' (skipped: npm run build comes first)'}`, () => {
  const own = [
    'solver={classifier: sharded, sampleRate: 0.2, batchSize: 4, iterations: 16}',
    'loss.energy={form: riesz, weight: {type: auto, share: 0.2}}',
    // Checkpoints close together, so that many kills fall into the writing of one.
    'log={display: 10, checkpoint: 2, keep: 1000}',
  ];
  const main = 'dist/cli/main.js';
  const sets = [...tinySettings, ...own].flatMap((setting) => ['--set', setting]);
  const begin = (run: string) => [
    ...[main, 'train', at('faces'), '--recipe', 'sphereface-m4-small', ...sets],
    ...['--threads', '1', '-o', at(run)],
  ];
  const end = async (run: string) => (await new CheckpointStore(at(run, 'checkpoints'), 1000).latest())!;

  it(
    `ends in the bits that members of one process end in, also after ${faults} kills of a rank`,
    async () => {
      await start(2, { recipe: tinyRecipe(...own), folder: at('whole') });
      const whole = await end('whole');
      const random = new Random(Date.now());
      let kills = 0;
      for (let round = 0; kills < faults; round++) {
        let args = begin(`killed-${round}`);
        for (;;) {
          const rank = random.integer(2);
          const then = (pid: number) => killRank(pid, rank, 2);
          const { status } =
            kills < faults ? await interrupted(2, args, random.between(0, 300), then) : await runRanks(2, args);
          if (status === 0) break;
          kills++;
          // Never a checkpoint that cannot be read.
          const store = new CheckpointStore(at(`killed-${round}`, 'checkpoints'), 1000);
          for (const iteration of await store.iterations()) await store.read(iteration);
          args = [main, 'train', '--resume', at(`killed-${round}`), '--threads', '1'];
        }
        const { state, parameters, momentum } = await end(`killed-${round}`);
        expect(state).toEqual(whole.state);
        expect(parameters).toEqual(whole.parameters);
        expect(momentum).toEqual(whole.momentum);
      }
    },
    (faults + 4) * 60_000,
  );
});
