// Whole training steps, alternating with PyTorch's in each of its modes:
// npm run bench -- train-step [batch …] [--network sfnet20|mobilefacenet] [--pass IMAGES] [--rounds N] [--profile-only]
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { Random } from '../dist/common/random.js';
import { decodeCrop, memorySource } from '../dist/images/index.js';
import { type Dataset, type Recipe, Trainer } from '../dist/training/index.js';
import { type BenchNetwork, defaultNetwork, identities, networkOf, recipeOf, threads } from './networks.js';
import { compare, findPeer, type SpeedRun } from './peer.js';
import { printProfile } from './profile.js';

const seconds = 12;

/** Crops of noise, held encoded in memory: decoding and caching them is part of what is timed. */
export async function noiseDataset(images: number, people = identities): Promise<Dataset> {
  const random = new Random(1);
  const data = Array.from({ length: images }, () =>
    Uint8Array.from({ length: 96 * 112 * 3 }, () => random.integer(256)),
  );
  const raw = { width: 96, height: 112, channels: 3 } as const;
  const jpegs = await Promise.all(data.map((pixels) => sharp(pixels, { raw }).jpeg().toBuffer()));
  const labels = jpegs.map((_, i) => (i * 7919) % people);
  const source = memorySource(labels.map((label, i) => ({ file: `${label}/${i}.jpg`, bytes: jpegs[i] })));
  const names = Array.from({ length: people }, (_, i) => String(i));
  return { source, decode: decodeCrop, labels, identities: names, leftOut: 0 };
}

interface Setting {
  readonly network: BenchNetwork;
  readonly batch: number;
  /** More images than this go through the network in several passes whose gradients are added: the same step, in less memory. */
  readonly pass: number;
}

export function recipeFor({ network, batch, pass }: Setting): Promise<Recipe> {
  const passes = Math.ceil(batch / pass);
  // The rate is low because the images are noise: the published one would diverge on them, and the guard would stop the run.
  const settings = [
    `solver.batchSize=${batch / passes}`,
    `solver.iterSize=${passes}`,
    'solver.baseLearningRate=0.0001',
  ];
  return recipeOf(network, settings);
}

/** Trains for some seconds in this process and prints a JSON line. */
async function measure(setting: Setting): Promise<void> {
  const { batch } = setting;
  await using trainer = await Trainer.create(await recipeFor(setting), await noiseDataset(batch * 4), { threads });
  for (let i = 0; i < 3; i++) await trainer.step();
  let steps = 0;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    await trainer.step();
    steps++;
  }
  const elapsed = (performance.now() - start) / 1000;
  const run: SpeedRun = {
    imagesPerSecond: (batch * steps) / elapsed,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  };
  console.log(JSON.stringify(run));
}

function runOwn({ network, batch, pass }: Setting): SpeedRun {
  const script = fileURLToPath(new URL('run.js', import.meta.url));
  const options = ['--network', network.name, '--pass', String(pass)];
  const args = [script, 'train-step', '--measure', String(batch), ...options];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as SpeedRun;
}

/** Time by operator over some steps in this process, and the share of the matrix rate that they reach. */
async function profile(setting: Setting): Promise<void> {
  const { network, batch } = setting;
  const recipe = await recipeFor(setting);
  const steps = 6;
  // Forward and both gradients: three times the forward pass, a multiplication and an addition each.
  await printProfile({ steps, flopPerStep: 6 * network.multiplications * batch, threads }, async (profilePrefix) => {
    const times: number[] = [];
    await using trainer = await Trainer.create(recipe, await noiseDataset(batch * 4), { threads, profilePrefix });
    for (let i = 0; i < steps; i++) {
      const start = performance.now();
      await trainer.step();
      times.push(performance.now() - start);
    }
    return times;
  });
}

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      network: { type: 'string', default: defaultNetwork },
      pass: { type: 'string', default: '32' },
      rounds: { type: 'string', default: '5' },
      'profile-only': { type: 'boolean', default: false },
      measure: { type: 'boolean', default: false },
    },
  });
  const network = networkOf(values.network);
  const batches = (positionals.length > 0 ? positionals : ['32', '64']).map(Number);
  const settings = batches.map((batch): Setting => ({ network, batch, pass: Number(values.pass) }));
  if (values.measure) return measure(settings[0]);
  const peer = values['profile-only'] ? undefined : findPeer();
  for (const setting of settings) {
    const { batch, pass } = setting;
    console.log(
      `${network.title}, ${identities} identities, batch ${batch} in passes of ${Math.min(batch, pass)}, ${threads} threads, A-Softmax m = 4`,
    );
    if (!values['profile-only']) {
      const rounds = Number(values.rounds);
      compare(peer, { network, phase: 'step', batch, seconds, rounds, own: () => runOwn(setting) });
    }
    await profile(setting);
  }
}
