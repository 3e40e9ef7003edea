// Training on a GPU with parameters and momentum in its memory, against the form in which they go there and gradients come back at every
// step: npm run bench -- gpu [--device webgpu] [--batch N] [--pairs N] [--minutes N] [--network NAME]
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Device, hasFloat16, traffic } from '../dist/runtime/index.js';
import { mean, mul, reshape, type Value } from '../dist/graph/index.js';
import type { BackboneDescriptor, NetworkBuilder } from '../dist/nn/index.js';
import { type Dataset, type Extensions, loadRecipe, type Recipe, Trainer } from '../dist/training/index.js';
import { identities } from './networks.js';
import { median } from './peer.js';
import { noiseDataset } from './train-step.js';

const schema = z.strictObject({
  type: z.literal('factors').describe('A factor for every pixel.'),
  embeddingSize: z.int().positive().default(64).describe('Length of an embedding.'),
});

/**
 * A network whose parameters outweigh its work: an embedding is the mean of the pixels, each with a factor of its own, so that a parameter
 * is multiplied once an image and pass. What parameters cost that are carried back and forth shows nowhere better.
 */
const factors = {
  type: 'factors',
  summary: 'a factor for every pixel',
  schema,
  build(net: NetworkBuilder, images: Value, { embeddingSize }) {
    const pixels = images.size / images.shape[0];
    const filler = { type: 'gaussian', std: 1 } as const;
    const weight = net.parameter({ name: 'factors', role: 'weight', shape: [embeddingSize, pixels], filler });
    const [count] = images.shape;
    const flat = reshape(images, count === 1 ? [pixels] : [count, 1, pixels]);
    return reshape(mean(mul(flat, weight), { axes: [count === 1 ? 1 : 2] }), [count, embeddingSize]);
  },
} satisfies BackboneDescriptor<typeof schema>;

const extensions: Extensions = { backbones: [factors] };

interface GpuNetwork {
  readonly name: string;
  readonly title: string;
  readonly settings: readonly string[];
  readonly identities: number;
  /** Images of a pass, and passes of a step. */
  readonly batch: number;
  readonly passes: number;
  /** Multiplications of the forward pass of an image; those of the other networks tell how long one takes. */
  readonly multiplications: number;
}

const networks: readonly GpuNetwork[] = [
  {
    name: 'factors',
    title: 'a factor for every pixel (2 million parameters, next to no work)',
    settings: ['network={type: factors}', 'guard.aboveChance=null'],
    identities: 10,
    batch: 1,
    passes: 1,
    multiplications: 64 * 3 * 112 * 96,
  },
  {
    name: 'factors-in-passes',
    title: 'the same in steps of several passes',
    settings: ['network={type: factors}', 'guard.aboveChance=null'],
    identities: 10,
    batch: 1,
    passes: 8,
    multiplications: 64 * 3 * 112 * 96,
  },
  {
    name: 'sfnet4',
    title: 'SphereFace-4, 1,000 identities',
    settings: ['network.depth=4'],
    identities: 1000,
    batch: 2,
    passes: 1,
    multiplications: 0.25e9,
  },
  {
    name: 'mobilefacenet',
    title: `MobileFaceNet, ${identities} identities`,
    settings: ['network={type: mobilefacenet}'],
    identities,
    batch: 256,
    passes: 1,
    multiplications: 0.19e9,
  },
  {
    name: 'sfnet20',
    title: `SphereFace-20, ${identities} identities`,
    settings: [],
    identities,
    batch: 256,
    passes: 1,
    multiplications: 1.75e9,
  },
];

interface Setting {
  readonly network: GpuNetwork;
  readonly batch: number;
  readonly device: Device;
  readonly pairs: number;
}

/** What a trainer did in some steps. */
interface Measured {
  readonly imagesPerSecond: number;
  readonly toDevice: number;
  readonly fromDevice: number;
}

function recipeOf({ network, batch }: Setting, precision: Recipe['solver']['precision'] = 'float32'): Promise<Recipe> {
  // The rate is low because the images are noise: the published one would diverge on them, and the guard would stop the run.
  const solver = [`solver.batchSize=${batch}`, `solver.iterSize=${network.passes}`, 'solver.baseLearningRate=0.0001'];
  return loadRecipe('sphereface-m4', [...network.settings, ...solver, `solver.precision=${precision}`], extensions);
}

async function measure(trainer: Trainer, batch: number, steps: number): Promise<Measured> {
  const before = traffic();
  const start = performance.now();
  for (let i = 0; i < steps; i++) await trainer.step();
  const seconds = (performance.now() - start) / 1000;
  const after = traffic();
  return {
    imagesPerSecond: (batch * steps) / seconds,
    toDevice: (after.toDevice - before.toDevice) / steps,
    fromDevice: (after.fromDevice - before.fromDevice) / steps,
  };
}

/** Both forms in turn, pair by pair; how many multiplications a second the faster one makes. */
async function compare(setting: Setting): Promise<number> {
  const { network, device, pairs } = setting;
  const batch = setting.batch * network.passes;
  const [recipe, dataset]: [Recipe, Dataset] = [
    await recipeOf(setting),
    await noiseDataset(Math.max(2 * batch, 4), network.identities),
  ];
  console.log(`${network.title}, batch ${setting.batch}${network.passes === 1 ? '' : `, ${network.passes} passes`}`);
  await using resident = await Trainer.create(recipe, dataset, { device, extensions, state: 'device' });
  await using carried = await Trainer.create(recipe, dataset, { device, extensions, state: 'host' });
  // The first steps compile; the next one says how many make a second and a half.
  for (const trainer of [resident, carried]) await measure(trainer, batch, 1);
  const probe = await measure(resident, batch, 1);
  const steps = Math.max(1, Math.min(200, Math.round((1.5 * probe.imagesPerSecond) / batch)));
  const ratios: number[] = [];
  let fastest = 0;
  for (let pair = 1; pair <= pairs; pair++) {
    const [here, there] = [await measure(resident, batch, steps), await measure(carried, batch, steps)];
    if (pair === 1) {
      const images = batch * (3 * recipe.input.width * recipe.input.height + 4);
      const bytes = (value: number) => `${Math.round(value).toLocaleString('en-US')} bytes`;
      console.log(
        `  a step carries ${bytes(here.toDevice)} to the device, ${bytes(here.toDevice - images)} more than the images and labels, and ${bytes(here.fromDevice)} back`,
      );
      console.log(`  with parameters in the host's memory: ${bytes(there.toDevice)} and ${bytes(there.fromDevice)}`);
    }
    const ratio = here.imagesPerSecond / there.imagesPerSecond;
    ratios.push(ratio);
    fastest = Math.max(fastest, here.imagesPerSecond);
    console.log(
      `  pair ${pair}: ${here.imagesPerSecond.toFixed(2)} images/s with the state on the device, ${there.imagesPerSecond.toFixed(2)} without, ratio ${ratio.toFixed(2)}`,
    );
  }
  console.log(`  median ratio ${median(ratios).toFixed(2)} (steps of ${steps} a time)`);
  await compareHalf(setting, resident, dataset, steps);
  return fastest * 3 * network.multiplications;
}

/** Training in half precision in turn with that in float32, where the device has it and the network has convolutions. */
async function compareHalf(setting: Setting, full: Trainer, dataset: Dataset, steps: number): Promise<void> {
  const { network, device, pairs } = setting;
  if (network.name.startsWith('factors')) return;
  if (!(await hasFloat16(device))) {
    console.log('  half precision: this device has none in its shaders');
    return;
  }
  const batch = setting.batch * network.passes;
  await using half = await Trainer.create(await recipeOf(setting, 'float16'), dataset, { device, extensions });
  await measure(half, batch, 1);
  const ratios: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const [inHalf, inFull] = [await measure(half, batch, steps), await measure(full, batch, steps)];
    ratios.push(inHalf.imagesPerSecond / inFull.imagesPerSecond);
  }
  console.log(
    `  half precision: ${median(ratios).toFixed(2)} times the images/s of float32 (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`,
  );
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      device: { type: 'string', default: 'webgpu' },
      batch: { type: 'string' },
      pairs: { type: 'string', default: '5' },
      minutes: { type: 'string', default: '3' },
      network: { type: 'string' },
    },
  });
  const pairs = Number(values.pairs);
  const chosen = networks.filter(({ name }) => values.network === undefined || name === values.network);
  let rate: number | undefined;
  for (const network of chosen) {
    const batch = Number(values.batch ?? network.batch);
    const setting = { network, batch, device: values.device as Device, pairs };
    // Two forms, a pair at least a step each, and two to warm up.
    const minutes =
      rate === undefined ? 0 : (6 * (pairs + 2) * batch * network.passes * network.multiplications) / rate / 60;
    if (minutes > Number(values.minutes)) {
      console.log(
        `${network.title}, batch ${batch}: left out, some ${Math.ceil(minutes)} minutes at the rate of the network before (--minutes N, or --network ${network.name})`,
      );
      continue;
    }
    const reached = await compare(setting);
    // One with next to no work says nothing of work.
    if (!network.name.startsWith('factors')) rate = reached;
  }
}
