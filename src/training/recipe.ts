// The recipe: one typed object that says everything about a training run, checked and with its defaults filled in. Every default stands
// once: that of a margin, an energy or a backbone in its own file, others in recipe-sections.ts.
import { z } from 'zod';
import { UsageError } from '../common/errors.js';
import { type EnergyOptionsInput, filterEnergySchema, type MarginOptionsInput } from '../losses/index.js';
import type { BackboneOptions, EmbeddingNetworkInput } from '../nn/index.js';
import { type Extensions, registriesOf } from './extensions.js';
import { dataSchema, guardSchema, inputSchema, logSchema, solverSchema, validationSchema } from './recipe-sections.js';

/** Options of a margin or an energy: which fields there are, its descriptor says. */
type MarginOptions = { readonly type: string; readonly [option: string]: unknown };
type EnergyOptions = { readonly form: string; readonly [option: string]: unknown };

/** The schema of recipes that may name descriptors besides those of this package. */
export function recipeSchemaOf(extensions: Extensions = {}) {
  const registries = registriesOf(extensions);
  const network = registries.backbones.schema as z.ZodType<BackboneOptions, Partial<BackboneOptions>>;
  const margin = registries.margins.schema as z.ZodType<MarginOptions, MarginOptions>;
  const energy = registries.energies.schema as z.ZodType<EnergyOptions, EnergyOptions>;
  const loss = z.strictObject({
    margin: margin.prefault({ type: 'a-softmax' }).describe('The classification loss.'),
    energy: energy.nullable().default(null).describe("The energy of the classifier's rows; null for none."),
    hiddenEnergy: filterEnergySchema
      .nullable()
      .default(null)
      .describe(
        "Energy of the hidden convolutions' filters, all pairs within a layer, averaged over layers; null: none.",
      ),
  });
  return z.strictObject({
    name: z.string().default('custom').describe('What messages and files call it.'),
    description: z.string().default('').describe('What it is, in a line.'),
    seed: z
      .int()
      .nonnegative()
      .default(1)
      .describe('Seed of all that is random: starting values, order of images, changes to them.'),
    start: z
      .enum(['scratch', 'model'])
      .default('scratch')
      .describe(
        'Where parameters start: from the fillers, or, as a fine-tune, from a trained model that must be given.',
      ),
    network: network.prefault({}).describe('The backbone.'),
    input: inputSchema.prefault({}).describe('What pictures become.'),
    loss: loss.prefault({}).describe('What is minimised.'),
    solver: solverSchema.prefault({}).describe('How it is minimised.'),
    data: dataSchema.prefault({}).describe('How images are drawn and changed.'),
    validation: validationSchema
      .nullable()
      .default(null)
      .describe(
        'People kept out of training, on whom the network is measured: its best state becomes the model. null: none, and the last does.',
      ),
    log: logSchema.prefault({}).describe('What a run leaves behind as it goes on.'),
    guard: guardSchema.prefault({}).describe('When a run is stopped.'),
  });
}

/** The schema of recipes of this package's own margins, energies and backbones. */
export const recipeSchema = recipeSchemaOf();

/** A recipe resolved in full, as `recipe.json` of a run holds it. */
export type Recipe = z.output<typeof recipeSchema>;

type Input = z.input<typeof recipeSchema>;
/** A recipe as people write it: everything optional. */
export type RecipeInput = Omit<Input, 'network' | 'loss'> & {
  readonly network?: EmbeddingNetworkInput;
  readonly loss?: Omit<NonNullable<Input['loss']>, 'margin' | 'energy'> & {
    readonly margin?: MarginOptionsInput;
    readonly energy?: EnergyOptionsInput | null;
  };
};

/** How a recipe is read. */
export interface ParseOptions {
  /** What errors call it. Default `recipe`. */
  readonly source?: string;
  /** What it may name besides the margins, energies and backbones of this package. */
  readonly extensions?: Extensions;
}

/**
 * Checks a recipe and fills in the defaults.
 * @throws UsageError naming every wrong field by its path.
 */
export function parseRecipe(input: unknown, { source = 'recipe', extensions }: ParseOptions = {}): Recipe {
  const schema = extensions === undefined ? recipeSchema : recipeSchemaOf(extensions);
  const result = schema.safeParse(input);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const path = issue.path.join('.');
      return path === '' ? issue.message : `${path}: ${issue.message}`;
    });
    throw new UsageError(`The ${source} is not valid.`, {
      got: problems.join('; '),
      expected: 'the fields that `sphereface recipes sphereface-m4 --explain` prints',
      next: 'correct the named fields',
    });
  }
  return result.data;
}
