// The recipe: one typed object that says everything about a training run. Every default stands here and nowhere else.
import { z } from 'zod';
import { UsageError } from '../common/errors.js';
import { publishedInput } from '../images/input.js';
import { publishedEmbeddingSize, publishedWidths } from '../nn/index.js';

const positive = z.number().positive();
const nonNegative = z.number().nonnegative();
const fraction = z.number().min(0).max(1);
const count = z.int().positive();

const networkSchema = z.strictObject({
  type: z.literal('sfnet').default('sfnet'),
  /** SphereFace-4, 10, 20, 36 or 64. */
  depth: z.union([z.literal(4), z.literal(10), z.literal(20), z.literal(36), z.literal(64)]).default(20),
  /** Channels of the four stages; every stage halves the resolution. */
  widths: z.tuple([count, count, count, count]).default([...publishedWidths]),
  embeddingSize: count.default(publishedEmbeddingSize),
  /** The picture is averaged over squares of this side before the first stage; 2 quarters the work. */
  inputPooling: count.default(1),
  /** Decay of the PReLU slopes relative to that of weights: 1 as published, 0 for none. */
  slopeDecay: nonNegative.default(1),
  /** Xavier fillers are uniform over ±sqrt(3 · gain / fan-in). 1 is Caffe's; 2 keeps the signal's strength from layer to layer. */
  fillerGain: positive.default(1),
});

const inputSchema = z.strictObject({
  width: count.default(publishedInput.width),
  height: count.default(publishedInput.height),
  channelOrder: z.enum(['BGR', 'RGB']).default(publishedInput.channelOrder),
  mean: z.tuple([z.number(), z.number(), z.number()]).default([...publishedInput.mean]),
  scale: z.tuple([positive, positive, positive]).default([...publishedInput.scale]),
  alignment: z
    .strictObject({
      template: z.string().default(publishedInput.alignment.template),
      solver: z.string().default(publishedInput.alignment.solver),
      version: z.int().default(publishedInput.alignment.version),
    })
    .prefault({}),
});

/** λ = max(minimum, base · (1 + gamma · step)^−power), `step` counted in optimizer steps from `start` + 1. */
const lambdaSchema = z.strictObject({
  base: nonNegative.default(1000),
  gamma: nonNegative.default(0.12),
  power: nonNegative.default(1),
  minimum: nonNegative.default(5),
  start: z.int().nonnegative().default(0),
});

const marginSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('softmax') }),
  z.strictObject({ type: z.literal('normalised-softmax'), scale: positive.default(30) }),
  z.strictObject({
    type: z.literal('a-softmax'),
    m: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).default(4),
    /** `exact`: the loss's own gradient. `caffe`: the released layer's, which normalises coefficients and ignores the margin on the classifier. */
    gradient: z.enum(['exact', 'caffe']).default('exact'),
    lambda: lambdaSchema.prefault({}),
  }),
  z.strictObject({ type: z.literal('cosface'), scale: positive.default(30), margin: nonNegative.default(0.35) }),
  z.strictObject({ type: z.literal('arcface'), scale: positive.default(30), margin: nonNegative.default(0.5) }),
  z.strictObject({
    type: z.literal('sphereface-r'),
    version: z.enum(['v1', 'v2']).default('v2'),
    scale: positive.default(30),
    m: z.number().min(1).default(1.5),
    /** `detached`: the margin's part of the logit is a constant to differentiation. */
    gradient: z.enum(['exact', 'detached']).default('exact'),
    /** Factor of the loss; OpenSphere uses 50 / scale. */
    weight: positive.default(1),
  }),
  z.strictObject({
    type: z.literal('sphereface2'),
    /** Share of the positive pairs' term. */
    balance: fraction.default(0.7),
    scale: positive.default(40),
    margin: nonNegative.default(0.4),
    /** Exponent of the similarity adjustment g(z) = 2((z + 1)/2)^t − 1. */
    exponent: positive.default(3),
    weight: positive.default(10),
  }),
]);

const weightSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), value: nonNegative }),
  /** The weight that makes the energy's gradient on the classifier `share` times as long as the classification loss's. */
  z.strictObject({ type: z.literal('auto'), share: nonNegative }),
]);

const rieszSchema = z.strictObject({
  form: z.literal('riesz'),
  /** Exponent of the Riesz kernel: 0 is the logarithm. */
  s: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(2),
  on: z.enum(['distance', 'angle', 'radians']).default('distance'),
  /** `half` counts every row's opposite as well. */
  space: z.enum(['full', 'half']).default('full'),
  /** Which pairs: the batch's rows against all others (the paper's mini-batch form), the rows of the batch's labels among themselves, or all. */
  pairs: z.enum(['batch-all', 'batch', 'all']).default('batch-all'),
  weight: weightSchema.default({ type: 'constant', value: 1 }),
});

const caffeEnergySchema = z.strictObject({
  form: z.literal('caffe'),
  type: z.enum(['among', 'mean']).default('among'),
  /** The released layer's α. */
  alpha: nonNegative.default(10),
  /** Whether the mean classifier is normalised. */
  normalise: z.boolean().default(true),
});

const lossSchema = z.strictObject({
  margin: marginSchema.default({
    type: 'a-softmax',
    m: 4,
    gradient: 'exact',
    lambda: { base: 1000, gamma: 0.12, power: 1, minimum: 5, start: 0 },
  }),
  energy: z.discriminatedUnion('form', [rieszSchema, caffeEnergySchema]).nullable().default(null),
  /** Energy of the hidden convolutions' filters, all pairs within a layer, averaged over layers. */
  hiddenEnergy: rieszSchema.omit({ pairs: true, weight: true }).extend({ weight: positive }).nullable().default(null),
});

const scheduleSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant') }),
  /** The rate times `gamma` at each of `steps`. */
  z.strictObject({ type: z.literal('multistep'), steps: z.array(count), gamma: positive.default(0.1) }),
  /** Half a cosine from the base rate to `final` times it. */
  z.strictObject({ type: z.literal('cosine'), final: nonNegative.default(0) }),
  /** (1 − iteration / iterations)^power. */
  z.strictObject({ type: z.literal('polynomial'), power: positive.default(1) }),
]);

const solverSchema = z.strictObject({
  /** Images of one forward and backward pass. */
  batchSize: count.default(256),
  /** Passes accumulated into one optimizer step. */
  iterSize: count.default(1),
  /** Optimizer steps. */
  iterations: count.default(28000),
  baseLearningRate: positive.default(0.1),
  momentum: z.number().min(0).lt(1).default(0.9),
  weightDecay: nonNegative.default(5e-4),
  schedule: scheduleSchema.default({ type: 'multistep', steps: [16000, 24000], gamma: 0.1 }),
  /** Linear rise over the first steps, from `start` times the scheduled rate. */
  warmUp: z.strictObject({ iterations: z.int().nonnegative().default(0), start: fraction.default(0) }).prefault({}),
  /** Largest norm of the whole gradient; longer ones are scaled down. `null`: no clipping. */
  clipNorm: positive.nullable().default(null),
});

const dataSchema = z.strictObject({
  /** `shuffle`: every image once an epoch, in a new order. `balanced`: every identity equally often. */
  sampler: z.enum(['shuffle', 'balanced']).default('shuffle'),
  /** Probability of mirroring an image. */
  mirror: fraction.default(0.5),
  /** Largest random shift in pixels, each axis, each way; the border is filled with the mean. */
  shift: z.int().nonnegative().default(0),
  /** Largest relative change of brightness and of contrast; 0 for none. */
  light: fraction.default(0),
  /** Megabytes of decoded crops kept in memory; what does not fit is decoded each time. */
  cacheMegabytes: nonNegative.default(2048),
  /** Batches prepared ahead of the step. */
  prefetch: count.default(4),
  /** Identities with fewer images are left out. */
  minimumImages: count.default(1),
});

const logSchema = z.strictObject({
  /** A line in log.jsonl every so many iterations. */
  display: count.default(100),
  /** A checkpoint every so many iterations. */
  checkpoint: count.default(500),
  /** Checkpoints kept; older ones are deleted. */
  keep: count.default(3),
});

const guardSchema = z.strictObject({
  /** Iterations that the smoothed loss may stay above chance before the run stops; `null`: for ever. */
  aboveChance: count.nullable().default(2000),
  /** The run stops when the smoothed loss exceeds chance by this factor. */
  explosion: positive.default(4),
});

export const recipeSchema = z.strictObject({
  name: z.string().default('custom'),
  description: z.string().default(''),
  seed: z.int().nonnegative().default(1),
  /** Where its parameters start: from the fillers, or, as a fine-tune, from a trained model that must be given. */
  start: z.enum(['scratch', 'model']).default('scratch'),
  network: networkSchema.prefault({}),
  input: inputSchema.prefault({}),
  loss: lossSchema.prefault({}),
  solver: solverSchema.prefault({}),
  data: dataSchema.prefault({}),
  log: logSchema.prefault({}),
  guard: guardSchema.prefault({}),
});

/** A recipe as people write it: everything optional. */
export type RecipeInput = z.input<typeof recipeSchema>;
/** A recipe resolved in full, as `recipe.json` of a run holds it. */
export type Recipe = z.output<typeof recipeSchema>;
export type Margin = Recipe['loss']['margin'];
export type Energy = NonNullable<Recipe['loss']['energy']>;
export type LambdaSchedule = z.output<typeof lambdaSchema>;
export type LearningRateSchedule = z.output<typeof scheduleSchema>;

/**
 * Checks a recipe and fills in the defaults.
 * @throws UsageError naming every wrong field by its path.
 */
export function parseRecipe(input: unknown, source = 'recipe'): Recipe {
  const result = recipeSchema.safeParse(input);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const path = issue.path.join('.');
      return path === '' ? issue.message : `${path}: ${issue.message}`;
    });
    throw new UsageError(`The ${source} is not valid.`, {
      got: problems.join('; '),
      expected: 'the fields that `sphereface recipes sphereface-m4` prints',
      next: 'correct the named fields',
    });
  }
  return result.data;
}
