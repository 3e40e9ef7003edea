// Run by the leak test in a process of its own (node --expose-gc): repeats one thing and prints resident memory in MiB as a
// JSON list: after the warm-up, and after each of some equal parts of the rounds that follow.
import {
  conv2d,
  Graph,
  gradients,
  matmul,
  flatten,
  maxPool2d,
  mean,
  neg,
  logSoftmax,
  pickLabel,
  prelu,
  serialize,
} from '../graph/index.js';
import { encodePicture, memorySource } from '../images/index.js';
import { sgdUpdate } from '../nn/index.js';
import { float32, int64, Session, type Tensor } from '../runtime/index.js';
import { datasetOf, parseRecipe, Trainer } from '../training/index.js';
import { extensions } from './extensions/index.js';
import { hashedUniform } from './hashed.js';
import { tinyRecipe, tinySize } from './tiny-faces.js';

const what = process.argv[2];
const [warmUp, total, parts] = process.argv.slice(3).map(Number);

const batch = 8;
const shapes = {
  'conv.weight': [16, 3, 3, 3],
  'conv2.weight': [16, 16, 3, 3],
  slope: [16],
  // 1.5 MiB: a leak of one gradient a step adds up to 270 MiB over 180 steps.
  'fc.weight': [256, 1536],
} as const;
type Name = keyof typeof shapes;
const names = Object.keys(shapes) as Name[];

/** A small convolutional classifier with its gradients, in the CPU's own forms. */
function stepModel(): Uint8Array {
  const graph = new Graph();
  const images = graph.input('images', 'float32', [batch, 3, 32, 24]);
  const labels = graph.input('labels', 'int64', [batch]);
  const values = names.map((name) => graph.input(name, 'float32', shapes[name]));
  const [conv, conv2, slope, fc] = values;
  let x = prelu(conv2d(images, conv, { padding: 1 }), slope);
  x = maxPool2d(prelu(conv2d(x, conv2, { padding: 1 }), slope), { kernel: 2 });
  x = maxPool2d(x, { kernel: [2, 1] });
  const logits = matmul(flatten(x), fc, { transposeB: true });
  const loss = neg(mean(pickLabel(logSoftmax(logits), labels)));
  const grads = gradients(loss, values);
  return serialize(graph, {
    outputs: { loss, ...Object.fromEntries(names.map((name, i) => [name + '.gradient', grads[i]])) },
    target: { device: 'cpu' },
  });
}

async function residentMiB(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().rss / 2 ** 20;
}

async function repeat(once: () => Promise<void>): Promise<void> {
  for (let i = 0; i < warmUp; i++) await once();
  const resident = [await residentMiB()];
  for (let part = 0; part < parts; part++) {
    for (let i = 0; i < (total - warmUp) / parts; i++) await once();
    resident.push(await residentMiB());
  }
  process.stdout.write(JSON.stringify(resident));
}

const count = (name: Name) => shapes[name].reduce((a, b) => a * b, 1);
const images = float32(hashedUniform(batch * 3 * 32 * 24, 2, 0, 1), [batch, 3, 32, 24]);
const labels = int64(Array.from({ length: batch }, (_, i) => i));

/** Whole training steps; `own`: gradients go into the same buffers each time, else the runtime allocates them. */
async function trainingSteps(own: boolean): Promise<void> {
  await using step = await Session.create(stepModel(), { threads: 1 });
  const values = names.map((name) => hashedUniform(count(name), 1, 0, 0.1));
  const momenta = names.map((name) => new Float32Array(count(name)));
  const gradientBuffers = Object.fromEntries(
    names.map((name): [string, Tensor] => [name + '.gradient', float32(new Float32Array(count(name)), shapes[name])]),
  );
  const parameters = Object.fromEntries(
    names.map((name, i): [string, Tensor] => [name, float32(values[i], shapes[name])]),
  );
  await repeat(async () => {
    const results = await step.run({ images, labels, ...parameters }, own ? gradientBuffers : undefined);
    for (const [i, name] of names.entries()) {
      const gradient = results[name + '.gradient'].data as Float32Array;
      sgdUpdate(values[i], momenta[i], gradient, { learningRate: 1e-3, momentum: 0.9, decay: 5e-4 });
    }
  });
  if (!values.every((x) => x.every(Number.isFinite))) throw new Error('the training diverged');
}

/** Sessions made, used and released. Each holds 4 MiB of weights: 80 that stay would be 320 MiB. */
async function sessions(): Promise<void> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 1024]);
  const weights = graph.constant(new Float32Array(2 ** 20).fill(1e-3), [1024, 1024]);
  const model = serialize(graph, { outputs: { y: matmul(x, weights) } });
  const feeds = { x: float32(new Float32Array(1024).fill(1), [1, 1024]) };
  await repeat(async () => {
    await using session = await Session.create(model, { threads: 1 });
    await session.run(feeds);
  });
}

/**
 * Steps whose state stays on a device, whose memory is this process's where it is SwiftShader's: 1 MiB of parameters, and as much
 * momentum.
 */
async function deviceSteps(): Promise<void> {
  await import('./devices.js');
  const base = tinyRecipe();
  const network = { type: 'pointwise', embeddingSize: 256 };
  const recipe = parseRecipe({ ...base, network, solver: { ...base.solver, iterSize: 2 } }, { extensions });
  const crop = await encodePicture({ width: tinySize, height: tinySize, data: new Uint8Array(tinySize ** 2 * 3) });
  const images = ['a/0', 'a/1', 'b/0', 'b/1'].map((file) => ({ file: `${file}.png`, bytes: crop }));
  await using trainer = await Trainer.create(recipe, datasetOf(memorySource(images)), {
    device: 'webgpu',
    threads: 1,
    extensions,
  });
  await repeat(async () => {
    await trainer.step();
  });
}

switch (what) {
  case 'steps':
    await trainingSteps(false);
    break;
  case 'steps-in-place':
    await trainingSteps(true);
    break;
  case 'device-steps':
    await deviceSteps();
    break;
  case 'sessions':
    await sessions();
    break;
  default:
    throw new Error(`nothing called ${what}`);
}
