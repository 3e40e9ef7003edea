// The parts of a recipe that depend on no margin, energy or backbone: input, solver, data, log and guard, with their defaults.
import { z } from 'zod';
import { publishedInput } from '../images/input.js';

const positive = z.number().positive();
const nonNegative = z.number().nonnegative();
const fraction = z.number().min(0).max(1);
const count = z.int().positive();

const { alignment } = publishedInput;

export const inputSchema = z.strictObject({
  width: count.default(publishedInput.width).describe('Width of the aligned crops, pixels.'),
  height: count.default(publishedInput.height).describe('Height of the aligned crops, pixels.'),
  channelOrder: z.enum(['BGR', 'RGB']).default(publishedInput.channelOrder).describe('The order of the channels.'),
  mean: z
    .tuple([z.number(), z.number(), z.number()])
    .default([...publishedInput.mean])
    .describe('Subtracted from each channel, 0 to 255.'),
  scale: z
    .tuple([positive, positive, positive])
    .default([...publishedInput.scale])
    .describe('What each channel is divided by, after the mean is taken off.'),
  alignment: z
    .strictObject({
      template: z.string().default(alignment.template).describe('Where the five landmarks are moved to.'),
      solver: z.string().default(alignment.solver).describe('How the transform is found.'),
      version: z
        .int()
        .default(alignment.version)
        .describe('Version of the alignment; it rises when aligned pixels change.'),
    })
    .prefault({})
    .describe('How the crops were aligned.'),
});

export const scheduleSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant').describe('The base rate throughout.') }),
  z.strictObject({
    type: z.literal('multistep').describe('The rate times gamma at each of steps.'),
    steps: z.array(count).describe('Optimizer steps after which the rate changes.'),
    gamma: positive.default(0.1).describe('Factor of each change.'),
  }),
  z.strictObject({
    type: z.literal('cosine').describe('Half a cosine from the base rate to final times it.'),
    final: nonNegative.default(0).describe('The last rate, relative to the base rate.'),
  }),
  z.strictObject({
    type: z.literal('polynomial').describe('The base rate times (1 − iteration / iterations)^power.'),
    power: positive.default(1).describe('The exponent; 1 is a straight line.'),
  }),
]);

const solverFields = z.strictObject({
  batchSize: count.default(256).describe('Images of one forward and backward pass.'),
  iterSize: count.default(1).describe('Passes accumulated into one optimizer step.'),
  iterations: count.default(28000).describe('Optimizer steps.'),
  baseLearningRate: positive.default(0.1).describe('The learning rate that the schedule starts from.'),
  momentum: z.number().min(0).lt(1).default(0.9).describe('Share of the last step that is taken again.'),
  weightDecay: nonNegative.default(5e-4).describe('Added to the gradient: this times the parameter.'),
  schedule: scheduleSchema
    .default({ type: 'multistep', steps: [16000, 24000], gamma: 0.1 })
    .describe('How the learning rate changes with the optimizer step.'),
  warmUp: z
    .strictObject({
      iterations: z.int().nonnegative().default(0).describe('Steps of the rise; 0 for none.'),
      start: fraction.default(0).describe('The first rate, relative to the scheduled one.'),
    })
    .prefault({})
    .describe('Linear rise of the learning rate over the first steps.'),
  clipNorm: positive
    .nullable()
    .default(null)
    .describe('Largest norm of the whole gradient; longer ones are scaled down. null: no clipping.'),
  precision: z
    .enum(['float32', 'float16'])
    .default('float32')
    .describe(
      'What pictures of the network are stored and multiplied in; float16 on GPUs that have it. Sums, losses, norms and parameters are float32.',
    ),
  classifier: z
    .enum(['dense', 'sharded'])
    .default('dense')
    .describe(
      'dense: every process holds the whole classifier. sharded: its rows are divided among the processes, block by block on one.',
    ),
  sampleRate: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe(
      "Share of a sharded classifier's rows that takes part in a pass: those of the batch's identities, and others at random.",
    ),
  backboneRate: nonNegative
    .default(1)
    .describe(
      "The backbone's learning rate relative to the classifier's: what a fine-tune starts from may change slowly.",
    ),
});

export const solverSchema = solverFields.refine(
  ({ classifier, sampleRate }) => sampleRate === 1 || classifier === 'sharded',
  {
    path: ['sampleRate'],
    message: 'a part of the rows can be sampled of a divided classifier only: solver.classifier=sharded',
  },
);
/** A part of the data, as `data.subset` of a recipe says it. */
export interface DataSubset {
  readonly identities: number | null;
  readonly maximumImages: number | null;
  readonly scarce: { readonly share: number; readonly images: number } | null;
  readonly seed: number;
}

/** What decides which images of a source a run uses. */
export interface DataSelection {
  readonly minimumImages: number;
  readonly subset: DataSubset;
}

const subsetSchema = z.strictObject({
  identities: count.nullable().default(null).describe('Identities used, drawn at random; null: all.'),
  maximumImages: count
    .nullable()
    .default(null)
    .describe('Images used of each identity at most, drawn at random; null: all.'),
  scarce: z
    .strictObject({
      share: fraction.describe('Share of the identities, drawn at random.'),
      images: count.describe('Images used of each of them at most.'),
    })
    .nullable()
    .default(null)
    .describe('An imbalance: a share of the identities with few images each; null: none.'),
  seed: z
    .int()
    .nonnegative()
    .default(1)
    .describe('Seed of the draw; apart from that of the run, so that runs of several seeds use the same images.'),
}) satisfies z.ZodType<DataSubset>;

export const dataSchema = z.strictObject({
  fit: z
    .enum(['exact', 'pad'])
    .default('exact')
    .describe(
      'exact: crops have the size of the input. pad: crops of 112 x 96 get 8 columns on either side, repetitions of the outermost, for an input of 112 x 112.',
    ),
  sampler: z
    .enum(['shuffle', 'balanced'])
    .default('shuffle')
    .describe('shuffle: every image once an epoch, in a new order. balanced: every identity equally often.'),
  mirror: fraction.default(0.5).describe('Probability of mirroring an image.'),
  shift: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Largest random shift in pixels, each axis, each way; the border is filled with the mean.'),
  light: fraction.default(0).describe('Largest relative change of brightness and of contrast; 0 for none.'),
  lowResolution: z
    .strictObject({
      chance: fraction.default(0.2).describe('Probability of reducing an image.'),
      factor: z.number().min(1).default(4).describe('Up to so many times fewer pixels a side, then enlarged again.'),
    })
    .nullable()
    .default(null)
    .describe('Images of fewer pixels, as faces far away have; null: none.'),
  jpeg: z
    .strictObject({
      chance: fraction.default(0.2).describe('Probability of compressing an image.'),
      quality: z.int().min(1).max(95).default(20).describe('The lowest quality; the highest is 95.'),
    })
    .nullable()
    .default(null)
    .describe('Images as JPEG of low quality gives them back; null: none.'),
  cutOut: z
    .strictObject({
      chance: fraction.default(0.5).describe('Probability of hiding a part of an image.'),
      side: fraction.default(0.4).describe('Up to this share of each side.'),
    })
    .nullable()
    .default(null)
    .describe('A grey rectangle somewhere in an image; null: none.'),
  cacheMegabytes: nonNegative
    .default(2048)
    .describe('Megabytes of decoded crops kept in memory; what does not fit is decoded each time.'),
  prefetch: count.default(4).describe('Batches prepared ahead of the step.'),
  minimumImages: count.default(1).describe('Identities with fewer images are left out.'),
  subset: subsetSchema.prefault({}).describe('A part of the data instead of all of it, to see what their number does.'),
});

export const logSchema = z.strictObject({
  display: count.default(100).describe('A line in log.jsonl every so many iterations.'),
  checkpoint: count.default(500).describe('A checkpoint every so many iterations.'),
  keep: count.default(3).describe('Checkpoints kept; older ones are deleted.'),
  snapshots: count
    .nullable()
    .default(null)
    .describe('The parameters alone every so many iterations and after the last, all of them kept; null: none.'),
});

export const validationSchema = z.strictObject({
  share: z.number().gt(0).lt(1).default(0.1).describe('Share of the identities that are held out, drawn by the seed.'),
  pairs: count.default(1000).describe('Pairs of each kind that are drawn among them, at most.'),
  every: count
    .default(100)
    .describe('A measurement every so many iterations, besides those at the start and at the end.'),
  measure: z
    .enum(['accuracy', 'tar', 'auc'])
    .default('accuracy')
    .describe(
      'What is best. accuracy: share of the pairs that one threshold decides rightly. tar: true-accept rate at a false-accept rate of 1 %. auc: area under the ROC.',
    ),
  patience: count
    .nullable()
    .default(null)
    .describe('The run ends after so many measurements that were not better; null: never.'),
});

export const guardSchema = z.strictObject({
  aboveChance: count
    .nullable()
    .default(2000)
    .describe('Iterations that the smoothed loss may stay above chance before the run stops; null: for ever.'),
  explosion: positive.default(4).describe('The run stops when the smoothed loss exceeds chance by this factor.'),
});

export type LearningRateSchedule = z.output<typeof scheduleSchema>;
