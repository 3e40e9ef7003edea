// Recipes for some dozens of synthetic people: small enough to train within a minute or two on two cores.
import { parseRecipe, type RecipeInput } from '../training/recipe.js';
import type { ScratchRecipes } from './types.js';

const network = {
  depth: 4,
  widths: [16, 32, 64, 128],
  embeddingSize: 128,
  fillerGain: 2,
} as const satisfies RecipeInput['network'];

const m = 4;

/** SphereFace and its fine-tune with energy, for `demo`. @param seed of the starting weights and the order of images. */
export function demoRecipes(seed: number): ScratchRecipes {
  const base = parseRecipe({
    name: 'demo-sphereface',
    description: `a very small network from scratch, A-Softmax m = ${m}, for the demo's synthetic people`,
    seed,
    network,
    loss: {
      margin: { type: 'a-softmax', m, gradient: 'exact', lambda: { base: 1000, gamma: 0.1, power: 2, minimum: 5 } },
    },
    solver: {
      batchSize: 32,
      iterations: 450,
      baseLearningRate: 0.05,
      schedule: { type: 'cosine' },
      warmUp: { iterations: 20 },
      clipNorm: 5,
    },
    data: { shift: 2, light: 0.15 },
    log: { display: 50, checkpoint: 150 },
  });
  const plus = parseRecipe({
    ...base,
    name: 'demo-sphereface-plus',
    description: `SphereFace+ fine-tune of demo-sphereface: the paper's energy, s = 2`,
    loss: {
      margin: { type: 'a-softmax', m, gradient: 'exact', lambda: { base: 5, minimum: 5 } },
      energy: { form: 'riesz', s: 2, on: 'distance', pairs: 'batch-all', weight: { type: 'auto', share: 0.5 } },
    },
    solver: { ...base.solver, iterations: 150, baseLearningRate: 0.01, warmUp: { iterations: 0 } },
  });
  return { base, plus };
}
