// Whole training steps of SphereFace-20 with 10,572 identities, alternating with PyTorch's: `npm run bench -- train-step [batch …] [--pass images]`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Random } from '../dist/common/random.js';
import { memorySource } from '../dist/images/index.js';
import { Graph, matmul, serialize, sum } from '../dist/graph/index.js';
import { float32, Session } from '../dist/runtime/index.js';
import { type Dataset, loadRecipe, type Recipe, Trainer } from '../dist/training/index.js';
import { median, peerMissing, runPeer } from './peer.js';

const publishedIdentities = 10_572;
const threads = 2;
const pairs = 5;
const seconds = 12;

/** Crops of noise, held encoded in memory: decoding and caching them is part of what is timed. */
export async function noiseDataset(images: number, identities = publishedIdentities): Promise<Dataset> {
  const random = new Random(1);
  const data = Array.from({ length: images }, () =>
    Uint8Array.from({ length: 96 * 112 * 3 }, () => random.integer(256)),
  );
  const raw = { width: 96, height: 112, channels: 3 } as const;
  const jpegs = await Promise.all(data.map((pixels) => sharp(pixels, { raw }).jpeg().toBuffer()));
  const labels = jpegs.map((_, i) => (i * 7919) % identities);
  const source = memorySource(labels.map((label, i) => ({ file: `${label}/${i}.jpg`, bytes: jpegs[i] })));
  const names = Array.from({ length: identities }, (_, i) => String(i));
  return { source, labels, identities: names, leftOut: 0 };
}

/** More images than this go through the network in several passes whose gradients are added: the same step, in less memory. */
const defaultPass = 32;

export function recipeFor(batch: number, pass: number): Promise<Recipe> {
  const passes = Math.ceil(batch / pass);
  // The rate is low because the images are noise: the published one would diverge on them, and the guard would stop the run.
  const settings = [
    `solver.batchSize=${batch / passes}`,
    `solver.iterSize=${passes}`,
    'solver.baseLearningRate=0.0001',
  ];
  return loadRecipe('sphereface-m4', settings);
}

interface OwnRun {
  readonly step: number;
  readonly peakMiB: number;
}

/** Trains for some seconds in this process and prints a JSON line: run in a child so that its peak memory is its own. */
async function measure(batch: number, pass: number): Promise<void> {
  const recipe = await recipeFor(batch, pass);
  await using trainer = await Trainer.create(recipe, await noiseDataset(batch * 4), { threads });
  for (let i = 0; i < 3; i++) await trainer.step();
  let steps = 0;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    await trainer.step();
    steps++;
  }
  const elapsed = (performance.now() - start) / 1000;
  const run: OwnRun = { step: (batch * steps) / elapsed, peakMiB: process.resourceUsage().maxRSS / 1024 };
  console.log(JSON.stringify(run));
}

function runOwn(batch: number, pass: number): OwnRun {
  const script = fileURLToPath(new URL('run.js', import.meta.url));
  const args = [script, 'train-step', '--measure', String(batch), String(pass)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as OwnRun;
}

function compare(batch: number, pass: number): void {
  const missing = peerMissing();
  const ratios: number[] = [];
  console.log(
    `SphereFace-20, ${publishedIdentities} identities, batch ${batch} in passes of ${Math.min(batch, pass)}, ${threads} threads, A-Softmax m = 4`,
  );
  if (missing !== undefined) {
    const own = runOwn(batch, pass);
    console.log(`  ${own.step.toFixed(1)} images/s, peak ${own.peakMiB.toFixed(0)} MiB; no ratio: ${missing}`);
    return;
  }
  for (let pair = 1; pair <= pairs; pair++) {
    const own = runOwn(batch, pass);
    const peer = runPeer(batch, seconds);
    ratios.push(own.step / peer.step);
    console.log(
      `  pair ${pair}: ${own.step.toFixed(1)} against ${peer.step.toFixed(1)} images/s, ratio ${(own.step / peer.step).toFixed(2)}; ` +
        `peak ${own.peakMiB.toFixed(0)} against ${peer.peakMiB} MiB, ratio ${(own.peakMiB / peer.peakMiB).toFixed(2)}`,
    );
  }
  console.log(`  median ratio ${median(ratios).toFixed(2)}`);
}

/** Multiplications and additions of one training image, forward and both gradients: three times the forward pass. */
const flopPerImage = 3 * 2 * (1.75e9 + 512 * publishedIdentities);

/** This machine's rate on a plain product of two 2048 x 2048 matrices, in FLOP/s. */
async function matrixRate(): Promise<number> {
  const size = 2048;
  const graph = new Graph();
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, 'float32', [size, size]));
  const model = serialize(graph, { outputs: { y: sum(matmul(a, b)) }, target: { device: 'cpu' } });
  await using session = await Session.create(model, { threads });
  const matrix = float32(new Float32Array(size * size).fill(0.5), [size, size]);
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const start = performance.now();
    await session.run({ a: matrix, b: matrix });
    times.push(performance.now() - start);
  }
  return (2 * size ** 3) / (median(times) / 1000);
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

/** Time by operator over the later half of some steps, and the share of the matrix rate that the step reaches. */
async function profile(batch: number, pass: number): Promise<void> {
  const rate = await matrixRate();
  const folder = mkdtempSync(join(tmpdir(), 'sphereface-bench-'));
  try {
    const recipe = await recipeFor(batch, pass);
    const steps = 6;
    const times: number[] = [];
    {
      const options = { threads, profilePrefix: join(folder, 'step') };
      await using trainer = await Trainer.create(recipe, await noiseDataset(batch * 4), options);
      for (let i = 0; i < steps; i++) {
        const start = performance.now();
        await trainer.step();
        times.push(performance.now() - start);
      }
    }
    const [file] = readdirSync(folder).filter((name) => name.startsWith('step'));
    const events = (JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[]).filter(
      ({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'),
    );
    const later = events.slice(events.length / 2);
    const byOperator = new Map<string, number>();
    for (const { args, dur } of later)
      byOperator.set(args!.op_name!, (byOperator.get(args!.op_name!) ?? 0) + dur / 1000);
    console.log(`  time by operator of the step graph, batch ${batch}, ms a step:`);
    for (const [name, ms] of [...byOperator].sort(([, p], [, q]) => q - p).slice(0, 12)) {
      console.log(`    ${name.padEnd(20)}${(ms / (steps / 2)).toFixed(1).padStart(9)}`);
    }
    const achieved = (flopPerImage * batch) / (median(times.slice(steps / 2)) / 1000);
    console.log(
      `  ${(achieved / 1e9).toFixed(0)} GFLOP/s of direct-convolution work, ${(achieved / rate).toFixed(2)} of this machine's ` +
        `matrix-product rate (${(rate / 1e9).toFixed(0)} GFLOP/s)`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run(args: readonly string[]): Promise<void> {
  if (args[0] === '--measure') return measure(Number(args[1]), Number(args[2] ?? defaultPass));
  const at = args.indexOf('--pass');
  const pass = at < 0 ? defaultPass : Number(args[at + 1]);
  const given = (at < 0 ? args : args.filter((_, i) => i !== at && i !== at + 1)).map(Number);
  for (const batch of given.length > 0 ? given : [32, 64]) {
    compare(batch, pass);
    await profile(batch, pass);
  }
}
