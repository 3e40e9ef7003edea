// Embedding throughput of SphereFace-20, alternating with PyTorch's forward pass: `npm run bench -- embed [batch]`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../dist/common/random.js';
import type { Picture } from '../dist/images/source.js';
import { Graph } from '../dist/graph/index.js';
import { encodeMetadata, openModel, writeModel } from '../dist/models/index.js';
import { embeddingNetwork, initialize, TrainingBuilder } from '../dist/nn/index.js';
import { embeddingModel, loadRecipe } from '../dist/training/index.js';
import { median, peerMissing, runPeer } from './peer.js';

const threads = 2;
const pairs = 5;
const seconds = 10;
/** Pictures before the clock starts: openModel prepares its network for many pictures after some hundreds. */
const warmUp = 384;

/** A model file of the published network with the values that training starts from. */
async function makeModel(path: string): Promise<void> {
  const recipe = await loadRecipe('sphereface-m4', []);
  const net = new TrainingBuilder(new Graph());
  const { width, height } = recipe.input;
  embeddingNetwork(net, net.graph.input('images', 'float32', [1, 3, height, width]), recipe.network);
  const { embeddingSize } = recipe.network;
  const metadata = encodeMetadata({ input: recipe.input, embeddingSize, recipe: JSON.stringify(recipe) });
  await writeModel(path, embeddingModel(recipe, initialize(net.specs, new Random(1)), metadata));
}

interface OwnRun {
  readonly forward: number;
  /** Milliseconds to open the model and embed one picture. */
  readonly first: number;
  readonly peakMiB: number;
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
  const run: OwnRun = { forward: embedded / elapsed, first, peakMiB: process.resourceUsage().maxRSS / 1024 };
  console.log(JSON.stringify(run));
}

function runOwn(path: string, batch: number): OwnRun {
  const script = fileURLToPath(new URL('run.js', import.meta.url));
  const args = [script, 'embed', '--measure', path, String(batch)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as OwnRun;
}

export async function run(args: readonly string[]): Promise<void> {
  if (args[0] === '--measure') return measure(args[1], Number(args[2]));
  const batch = Number(args[0] ?? 32);
  const missing = peerMissing();
  const folder = mkdtempSync(join(tmpdir(), 'sphereface-bench-'));
  try {
    const path = join(folder, 'model.onnx');
    await makeModel(path);
    console.log(`embedding, SphereFace-20, batch ${batch}, ${threads} threads`);
    const ratios: number[] = [];
    for (let pair = 1; pair <= (missing === undefined ? pairs : 1); pair++) {
      const own = runOwn(path, batch);
      const about = `first picture after ${own.first.toFixed(0)} ms, peak ${own.peakMiB.toFixed(0)} MiB`;
      if (missing !== undefined) {
        console.log(`  ${own.forward.toFixed(1)} images/s, ${about}; no ratio: ${missing}`);
        return;
      }
      const peer = runPeer(batch, seconds);
      const ratio = own.forward / peer.forward;
      ratios.push(ratio);
      const rates = `${own.forward.toFixed(1)} against ${peer.forward.toFixed(1)} images/s`;
      console.log(`  pair ${pair}: ${rates}, ratio ${ratio.toFixed(2)}; ${about}`);
    }
    console.log(`  median ratio ${median(ratios).toFixed(2)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
