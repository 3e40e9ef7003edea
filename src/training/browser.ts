// What of training runs in a browser: recipes, and the trainer on pictures that are decoded already. Runs, which are folders of files, stay
// with Node.
export { TrainingAnomaly } from './guard.js';
export { labelledImages } from './labelled-images.js';
export type { LogLine } from './log.js';
export { modelOf } from './model-of.js';
export { classifierName } from './network.js';
export { parseRecipe, type Recipe, type RecipeInput } from './recipe.js';
export { Trainer } from './trainer.js';
