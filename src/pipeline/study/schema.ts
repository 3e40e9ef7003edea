// What a study file says: the arms, their seeds, the pairs that snapshots are chosen and judged on, and the questions.
import { z } from 'zod';

const count = z.int().positive();
const seed = z.int().nonnegative();
const name = z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N}._=-]*$/u, 'letters, digits, and . _ - = after the first');
const setting = z.string().regex(/^[^=]+=/, 'expected path=value, for example solver.baseLearningRate=0.05');
const settings = z.array(setting).default([]);
const seedsSchema = z.union([count, z.array(seed).min(1)], {
  error: 'expected how many seeds (1, 2, … are taken), or a list of them',
});

const pairsFields = {
  pairs: z.string().optional().describe('A pair file, in any form that `sphereface evaluate` reads.'),
  images: z.string().optional().describe('The aligned crops that it names.'),
  allowMissing: z.boolean().default(false).describe('Go on without pairs whose images are missing.'),
  holdOut: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'Instead of a file: this share of the identities of the data is kept from training, and pairs are drawn among them.',
    ),
  pairsOfEachKind: count.default(1000).describe('With holdOut: matched pairs at most, and as many mismatched ones.'),
  seed: seed.default(1).describe('With holdOut: seed of the draw; the same for all cells.'),
};

function oneSource<T extends { readonly pairs?: string; readonly holdOut?: number }>(given: T): boolean {
  return (given.pairs === undefined) !== (given.holdOut === undefined);
}
const oneSourceMessage = 'expected either pairs (with images) or holdOut';

export const pairsSchema = z.strictObject(pairsFields).refine(oneSource, oneSourceMessage);

/** How accuracy on the test pairs is counted. */
export const testProtocols = ['validation-threshold', '10-fold', 'k-fold'] as const;
export type TestProtocol = (typeof testProtocols)[number];

export const testSchema = z
  .strictObject({
    ...pairsFields,
    protocol: z
      .enum(testProtocols)
      .default('validation-threshold')
      .describe(
        'validation-threshold: the threshold that is best on the first validation pairs (with the pairs of view 1 this is its protocol). ' +
          '10-fold: as published for LFW view 2. k-fold: plain, with the folds of the pair file.',
      ),
  })
  .refine(oneSource, oneSourceMessage);

export const armSchema = z.strictObject({
  recipe: z.string().describe('A built-in recipe or a recipe file; {factor} stands for the level of a factor of vary.'),
  set: settings.describe('Changes of the recipe, path=value, after those of the study.'),
  from: z
    .string()
    .optional()
    .describe('Fine-tune: the arm whose cell of the same seed this one starts from; {factor} as in recipe.'),
  fromSeed: seed.optional().describe('With from: start from the cell of this seed instead.'),
  init: z.string().optional().describe('Start from this model or run instead of from an arm.'),
  seeds: seedsSchema.optional().describe('Other seeds than those of the study.'),
  snapshots: count.optional().describe('Another number of snapshots than that of the study.'),
  vary: z
    .record(
      name,
      z
        .record(name, settings)
        .refine((levels) => Object.keys(levels).length > 0, 'expected a level at least: LEVEL: [path=value]'),
    )
    .default({})
    .describe(
      'Factors, each with its levels and the settings that a level makes: the arm becomes one for each combination, NAME-LEVEL-LEVEL.',
    ),
});

export const questionSchema = z.strictObject({
  ask: z.string().describe('The question, as a heading.'),
  against: z.string().describe('The arm that the others are compared with: the control.'),
  arms: z
    .array(z.string())
    .min(1)
    .describe('The arms that are compared with it; of several, the probabilities are corrected (Holm).'),
});

export const syntheticSchema = z.strictObject({
  identities: count.default(60).describe('People who do not exist.'),
  photosPerIdentity: count.default(12).describe('Crops of each.'),
  seed: seed.default(1).describe('Other people.'),
});

export const studySchema = z
  .strictObject({
    name: name.describe('What the results call it.'),
    description: z.string().default('').describe('What it is about, in a line or two.'),
    data: z.string().optional().describe('The training data: a folder of identity folders, a zip of one, or a list.'),
    synthetic: syntheticSchema.optional().describe('Instead of data: crops of synthetic people.'),
    validation: z
      .array(pairsSchema)
      .min(1)
      .describe(
        'Pairs that the snapshot of a run is chosen on: that with the best mean accuracy over these sets, each at its best threshold.',
      ),
    test: testSchema.describe('Pairs that the chosen snapshot is judged on, once.'),
    seeds: seedsSchema.default(5).describe('Seeds of every arm: how many, or which.'),
    snapshots: count
      .default(4)
      .describe('Snapshots of a run, evenly spaced, the last at its end; log.snapshots in a recipe says otherwise.'),
    keep: z
      .enum(['chosen', 'all'])
      .default('chosen')
      .describe('Which snapshots stay on disk when a cell has been judged. Checkpoints go in any case.'),
    set: settings.describe('Changes of every recipe, path=value.'),
    arms: z.record(name, armSchema).describe('The ways of training that are compared.'),
    questions: z
      .array(questionSchema)
      .default([])
      .describe('What is asked of the results; {factor} makes a question for each level of it.'),
  })
  .refine(({ data, synthetic }) => (data === undefined) !== (synthetic === undefined), {
    error: 'data is missing: expected the path of the training data (or synthetic, but not both)',
  })
  .refine(({ arms }) => Object.keys(arms).length > 0, { path: ['arms'], error: 'expected an arm at least' });

/** A study, checked, with its defaults filled in. */
export type StudyDefinition = z.output<typeof studySchema>;
export type StudyInput = z.input<typeof studySchema>;
/** Pairs that a study evaluates on, from a file or drawn. */
export type PairsDefinition = z.output<typeof pairsSchema>;
