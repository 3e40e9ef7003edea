// Two ranks of one thread against one process of two, on the same steps; and adding up gradients against copying memory: `npm run bench -- ranks [pairs]`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Communicator, joinWorld } from '../dist/distributed/index.js';
import { Trainer } from '../dist/training/index.js';
import { median } from './peer.js';
import { defaultNetwork, networkOf } from './networks.js';
import { noiseDataset, recipeFor } from './train-step.js';

const steps = 2;
/** Images of a step, in passes of which each rank makes one. */
const [batch, pass] = [64, 32];
/** Elements of about as many bytes as the gradients of SphereFace-20 with 10,572 identities have. */
const gradientLength = 28e6;

/** Images per second of this group, all ranks together. */
async function trainingRate(communicator: Communicator, threads: number): Promise<number> {
  const recipe = await recipeFor({ network: networkOf(defaultNetwork), batch, pass });
  const dataset = await noiseDataset(batch * 2);
  await using trainer = await Trainer.create(recipe, dataset, { threads, communicator });
  await trainer.step();
  await communicator.barrier();
  const start = performance.now();
  for (let i = 0; i < steps; i++) await trainer.step();
  await communicator.barrier();
  return (batch * steps * 1000) / (performance.now() - start);
}

/** Bytes per second that are added up, and that this processor copies while the other ranks do as well. */
async function bandwidths(communicator: Communicator): Promise<{ readonly sum: number; readonly copy: number }> {
  const [data, other] = [new Float32Array(gradientLength).fill(1), new Float32Array(gradientLength)];
  const rate = async (work: () => Promise<void> | void): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 7; i++) {
      await communicator.barrier();
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
    return (data.byteLength * 1000) / median(times);
  };
  return { copy: await rate(() => other.set(data)), sum: await rate(() => communicator.allReduce(data)) };
}

/** What a process of the benchmark measures, as one line of JSON from rank 0. */
async function measure(what: string, threads: number): Promise<void> {
  await using communicator = await joinWorld();
  const result =
    what === 'train' ? { rate: await trainingRate(communicator, threads) } : await bandwidths(communicator);
  if (communicator.rank === 0) console.log(JSON.stringify(result));
}

function start<T>(what: 'train' | 'sum', ranks: number, threads: number): T {
  const script = fileURLToPath(new URL('run.js', import.meta.url));
  const node = [process.execPath, script, 'ranks', '--measure', what, String(threads)];
  const mpirun = ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '-n', String(ranks)];
  const [file, ...args] = ranks === 1 ? node : [...mpirun, ...node];
  return JSON.parse(execFileSync(file, args, { encoding: 'utf8' })) as T;
}

export async function run(args: readonly string[]): Promise<void> {
  if (args[0] === '--measure') return measure(args[1], Number(args[2]));
  const pairs = Number(args[0] ?? 3);
  const { sum, copy } = start<{ sum: number; copy: number }>('sum', 2, 1);
  const gigabytes = (rate: number): string => `${(rate / 1e9).toFixed(2)} GB/s`;
  console.log(
    `adding up ${gradientLength / 1e6} million float32 over 2 ranks: ${gigabytes(sum)} against ${gigabytes(copy)} of memory copies, ratio ${(sum / copy).toFixed(2)}`,
  );
  console.log(`SphereFace-20, steps of ${batch} images in passes of ${pass}`);
  const ratios: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const [ranks, one] = [start<{ rate: number }>('train', 2, 1).rate, start<{ rate: number }>('train', 1, 2).rate];
    ratios.push(ranks / one);
    console.log(
      `  pair ${pair}: 2 ranks of 1 thread ${ranks.toFixed(2)} images/s, 1 process of 2 threads ${one.toFixed(2)}, ratio ${(ranks / one).toFixed(2)}`,
    );
  }
  console.log(`  median ratio ${median(ratios).toFixed(2)}`);
}
