// Embedding throughput, alternating with PyTorch's forward pass in each of its modes:
// npm run bench -- embed [batch] [--network sfnet20|mobilefacenet] [--rounds N]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../dist/common/random.js';
import type { Picture } from '../dist/images/source.js';
import { Graph } from '../dist/graph/index.js';
import { encodeMetadata, openModel, writeModel } from '../dist/models/index.js';
import { embeddingNetwork, initialize, TrainingBuilder } from '../dist/nn/index.js';
import { embeddingModel } from '../dist/training/index.js';
import { type BenchNetwork, defaultNetwork, networkOf, recipeOf, threads } from './networks.js';
import { compare, findPeer, type SpeedRun } from './peer.js';

const seconds = 10;
/** Pictures before the clock starts: openModel prepares its network for many pictures after some hundreds. */
const warmUp = 384;

/** A model file of a network with the values that training starts from. */
async function makeModel(path: string, network: BenchNetwork): Promise<void> {
  const recipe = await recipeOf(network);
  const net = new TrainingBuilder(new Graph());
  const { width, height } = recipe.input;
  embeddingNetwork(net, net.graph.input('images', 'float32', [1, 3, height, width]), recipe.network);
  const { embeddingSize } = recipe.network;
  const metadata = encodeMetadata({ input: recipe.input, embeddingSize, recipe: JSON.stringify(recipe) });
  await writeModel(path, embeddingModel(recipe, initialize(net.specs, new Random(1)), metadata));
}

interface OwnRun extends SpeedRun {
  /** Milliseconds to open the model and embed one picture. */
  readonly first: number;
}

/** Embeds for some seconds in this process and prints a JSON line: pixels in, embeddings out, packing included. */
async function measure(path: string, batch: number): Promise<void> {
  const random = new Random(1);
  const pictures = Array.from({ length: batch }, (): Picture => {
    const data = Uint8Array.from({ length: 112 * 96 * 3 }, () => random.integer(256));
    return { width: 96, height: 112, data };
  });
  const opened = performance.now();
  await using model = await openModel(path, { threads });
  await model.embed(pictures.slice(0, 1));
  const first = performance.now() - opened;
  for (let done = 0; done < warmUp; done += batch) await model.embed(pictures, { batchSize: batch });
  let embedded = 0;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    await model.embed(pictures, { batchSize: batch });
    embedded += batch;
  }
  const elapsed = (performance.now() - start) / 1000;
  const run: OwnRun = { imagesPerSecond: embedded / elapsed, first, peakMiB: process.resourceUsage().maxRSS / 1024 };
  console.log(JSON.stringify(run));
}

function runOwn(path: string, batch: number): OwnRun {
  const script = fileURLToPath(new URL('run.js', import.meta.url));
  const args = [script, 'embed', '--measure', path, String(batch)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as OwnRun;
}

export async function run(args: readonly string[]): Promise<void> {
  if (args[0] === '--measure') return measure(args[1], Number(args[2]));
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { network: { type: 'string', default: defaultNetwork }, rounds: { type: 'string', default: '5' } },
  });
  const network = networkOf(values.network);
  const batch = Number(positionals[0] ?? 32);
  const folder = mkdtempSync(join(tmpdir(), 'sphereface-bench-'));
  try {
    const path = join(folder, 'model.onnx');
    await makeModel(path, network);
    const peer = findPeer();
    console.log(`embedding, ${network.title}, batch ${batch}, ${threads} threads`);
    const own = (): SpeedRun => {
      const ours = runOwn(path, batch);
      console.log(`  first picture after ${ours.first.toFixed(0)} ms`);
      return ours;
    };
    compare(peer, { network, phase: 'forward', batch, seconds, rounds: Number(values.rounds), own });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
