// A divided classifier: a step of one process against one with the whole classifier, and the memory of two ranks that hold a million
// identities: `npm run bench -- sharded [steps | memory [identities]]`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { joinWorld } from '../dist/distributed/index.js';
import { loadRecipe, Trainer } from '../dist/training/index.js';
import { median } from './peer.js';
import { noiseDataset } from './train-step.js';

const batch = 32;
const pairs = 5;
const ranks = 2;
/** Share of the rows in a step. */
const rates = [1, 0.1];

const settingsOf = (...more: string[]) => [
  `solver.batchSize=${batch}`,
  'solver.iterSize=1',
  'solver.baseLearningRate=0.0001',
  ...more,
];

/** Seconds of a step with the whole classifier and with a divided one, alternating in one process. */
async function compareSteps(): Promise<void> {
  const dataset = await noiseDataset(batch * 2);
  const create = async (kind: string) =>
    Trainer.create(await loadRecipe('sphereface-m4', settingsOf(`solver.classifier=${kind}`)), dataset, { threads: 2 });
  await using dense = await create('dense');
  await using sharded = await create('sharded');
  const seconds = async (trainer: Trainer) => {
    const start = performance.now();
    await trainer.step();
    return (performance.now() - start) / 1000;
  };
  const ratios: number[] = [];
  for (let pair = -1; pair < pairs; pair++) {
    const [whole, divided] = [await seconds(dense), await seconds(sharded)];
    // The first pair is for warming up.
    if (pair < 0) continue;
    ratios.push(divided / whole);
    console.log(
      `  whole ${whole.toFixed(2)} s, divided ${divided.toFixed(2)} s, ratio ${(divided / whole).toFixed(2)}`,
    );
  }
  console.log(`  median ratio ${median(ratios).toFixed(2)}`);
}

/** Takes steps as one of several ranks, and prints the largest memory that each had. */
async function measure(identities: number, rate: number): Promise<void> {
  await using communicator = await joinWorld();
  const recipe = await loadRecipe('sphereface-m4', [
    ...settingsOf('solver.classifier=sharded', `solver.sampleRate=${rate}`),
    'data.cacheMegabytes=64',
  ]);
  const dataset = await noiseDataset(batch * 2, identities);
  await using trainer = await Trainer.create(recipe, dataset, { threads: 1, communicator });
  const seconds: number[] = [];
  for (let step = 0; step < 3; step++) {
    const start = performance.now();
    await trainer.step();
    seconds.push((performance.now() - start) / 1000);
  }
  const peaks = await communicator.allGather(
    Float64Array.of(process.resourceUsage().maxRSS / 2 ** 20),
    Array.from({ length: communicator.size }, () => 1),
  );
  const state = (2 * trainer.rows.count * recipe.network.embeddingSize * 4) / 2 ** 30;
  if (communicator.rank !== 0) return;
  const all = Array.from(peaks, (peak) => `${peak.toFixed(2)} GiB`).join(', ');
  console.log(
    `  ${rate * 100} % of the rows in a step: peak memory of each rank ${all}; rows and momentum are ${state.toFixed(2)} GiB of it; ${median(seconds).toFixed(1)} s a step of ${batch} images`,
  );
}

function measureMemory(identities: number): void {
  console.log(`${identities.toLocaleString('en')} identities on ${ranks} ranks`);
  const mpirun = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '-n', String(ranks), process.execPath];
  const script = fileURLToPath(new URL('run.js', import.meta.url));
  for (const rate of rates) {
    const args = [...mpirun, script, 'sharded', '--measure', String(identities), String(rate)];
    process.stdout.write(execFileSync('mpirun.openmpi', args, { encoding: 'utf8' }));
  }
}

export async function run([what = 'all', ...rest]: readonly string[]): Promise<void> {
  if (what === '--measure') return measure(Number(rest[0]), Number(rest[1]));
  if (what !== 'memory') {
    console.log(`SphereFace-20, 10572 identities, batch ${batch}, one process of 2 threads`);
    await compareSteps();
  }
  if (what !== 'steps') measureMemory(Number(rest[0] ?? 1e6));
}
