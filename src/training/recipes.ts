// The built-in recipes: the published runs (wy1iu/sphereface and wy1iu/sphereface-plus), and versions that train on two cores.
import { UsageError } from '../common/errors.js';
import { parseRecipe, type Recipe, type RecipeInput } from './recipe.js';

type M = 1 | 2 | 3 | 4;
const margins: readonly M[] = [1, 2, 3, 4];

/** The published λ schedules start at 0 from scratch; γ is 0.11 for m = 2 and 3. */
function publishedLambda(m: M, start = 0) {
  return { base: 1000, gamma: m === 2 || m === 3 ? 0.11 : 0.12, power: 1, minimum: 5, start };
}

/** SphereFace-20 from scratch: 28,000 steps of 512 images, as the released solver on two GPUs. */
function published(m: M): RecipeInput {
  return {
    name: `sphereface-m${m}`,
    description: `SphereFace-20 from scratch, A-Softmax m = ${m}, the published solver`,
    loss: { margin: { type: 'a-softmax', m, gradient: 'caffe', lambda: publishedLambda(m) } },
    solver: { batchSize: 256, iterSize: 2 },
  };
}

/** The published fine-tunes, per m: learning rate, its steps, length, and the weight α of the InterClass layer. */
const fineTunes = {
  1: { rate: 0.05, gamma: 0.2, steps: [7000, 11000], iterations: 11000, alpha: 5.3, display: 20 },
  2: { rate: 0.1, gamma: 0.1, steps: [5000], iterations: 8000, alpha: 6, display: 50 },
  3: { rate: 0.1, gamma: 0.1, steps: [4000, 9000], iterations: 12000, alpha: 2.3, display: 20 },
  4: { rate: 0.01, gamma: 0.1, steps: [4000, 6000], iterations: 8000, alpha: 10, display: 10 },
} as const;

/** SphereFace+: a short fine-tune of a finished SphereFace model of the same m. */
function publishedPlus(m: M): RecipeInput {
  const { rate, gamma, steps, iterations, alpha, display } = fineTunes[m];
  return {
    name: `sphereface-plus-m${m}`,
    description: `SphereFace+ fine-tune of a SphereFace-20 of m = ${m} (give it with --init), the published solver and energy`,
    start: 'model',
    loss: {
      margin: { type: 'a-softmax', m, gradient: 'caffe', lambda: publishedLambda(m, m === 4 ? 2000 : 0) },
      energy: { form: 'caffe', type: 'among', alpha },
    },
    solver: {
      batchSize: 256,
      iterSize: 2,
      iterations,
      baseLearningRate: rate,
      schedule: { type: 'multistep', steps: [...steps], gamma },
    },
    log: { display },
  };
}

/** A narrow network for a few thousand identities and two cores. */
const narrow = {
  depth: 10,
  widths: [32, 64, 128, 256],
  embeddingSize: 256,
  inputPooling: 2,
  fillerGain: 2,
} as const satisfies RecipeInput['network'];

/** What trains it from scratch. */
const narrowSolver = {
  batchSize: 64,
  schedule: { type: 'cosine' },
  warmUp: { iterations: 100 },
  clipNorm: 5,
} as const satisfies RecipeInput['solver'];

function small(m: M): RecipeInput {
  return {
    name: `sphereface-m${m}-small`,
    description: `a narrow network from scratch, A-Softmax m = ${m}, for some thousand identities on two cores`,
    network: narrow,
    loss: {
      margin: { type: 'a-softmax', m, gradient: 'exact', lambda: { base: 1000, gamma: 0.002, power: 3, minimum: 5 } },
    },
    solver: { ...narrowSolver, iterations: 5400 },
  };
}

/** The small fine-tune: short, with the paper's energy at a weight that is felt. */
function smallPlus(m: M): RecipeInput {
  return {
    name: `sphereface-plus-m${m}-small`,
    description: `SphereFace+ fine-tune of sphereface-m${m}-small (give it with --init), the paper's energy`,
    start: 'model',
    network: narrow,
    loss: {
      margin: { type: 'a-softmax', m, gradient: 'exact', lambda: { minimum: 5, base: 5 } },
      energy: { form: 'riesz', s: 2, on: 'distance', pairs: 'batch-all', weight: { type: 'auto', share: 0.2 } },
    },
    solver: {
      ...narrowSolver,
      iterations: 300,
      baseLearningRate: 0.01,
      warmUp: { iterations: 0 },
    },
  };
}

/**
 * The most accurate that half an hour on two cores gives (docs/experiments.md): a margin that holds from the first step, batch
 * normalisation, and pictures varied as much as so long a run can bear.
 */
const cosFaceSmall: RecipeInput = {
  name: 'cosface-small',
  description:
    'a narrow network from scratch, CosFace and batch normalisation: the most accurate of half an hour on two cores',
  network: { ...narrow, batchNorm: true, dropout: 0.4 },
  loss: { margin: { type: 'cosface' } },
  solver: { ...narrowSolver, iterations: 10_000 },
  data: { shift: 2, light: 0.2, cutOut: { chance: 0.5, side: 0.4 } },
};

/**
 * A network from elsewhere taught one's own people. CosFace does not depend on the length of embeddings, which in such a network can be
 * anything. The backbone learns more slowly than the classifier.
 */
const fineTune: RecipeInput = {
  name: 'fine-tune',
  description:
    'any ONNX embedder (give it with --init) taught your own people: CosFace and the energy, the backbone slowly',
  start: 'model',
  network: { type: 'onnx' },
  loss: {
    margin: { type: 'cosface' },
    energy: { form: 'riesz', s: 2, on: 'distance', pairs: 'batch-all', weight: { type: 'auto', share: 0.2 } },
  },
  solver: {
    batchSize: 64,
    iterations: 1500,
    baseLearningRate: 0.1,
    schedule: { type: 'cosine' },
    backboneRate: 0.01,
    clipNorm: 5,
  },
  validation: { patience: 5 },
};

/** Every built-in recipe, resolved, by name. */
export const builtInRecipes: ReadonlyMap<string, Recipe> = new Map(
  [
    ...[published, publishedPlus, small, smallPlus].flatMap((make) => margins.map((m) => make(m))),
    cosFaceSmall,
    fineTune,
  ]
    .map((recipe) => parseRecipe(recipe, { source: 'built-in recipe' }))
    .map((recipe) => [recipe.name, recipe]),
);

/**
 * A built-in recipe by name.
 * @throws UsageError listing the names there are.
 */
export function builtInRecipe(name: string): Recipe {
  const recipe = builtInRecipes.get(name);
  if (recipe === undefined) {
    throw new UsageError(`There is no recipe "${name}".`, {
      expected: `one of ${[...builtInRecipes.keys()].join(', ')}, or the path of a .yaml or .json file`,
      next: 'sphereface recipes lists the built-in ones',
    });
  }
  return recipe;
}
