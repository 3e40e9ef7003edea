// The public face of training: recipes, runs, checkpoints.
export { CheckpointStore, type Checkpoint, type TrainingState } from './checkpoint.js';
export { datasetOf, type Dataset } from './dataset.js';
export { Guard, TrainingAnomaly, underflowLoss, type AnomalyKind, type GuardState, type StepReport } from './guard.js';
export { initializeFrom, readInitParameters, type InitReport } from './init.js';
export { TrainingLog, type LogLine } from './log.js';
export { classifierName, embeddingModel } from './network.js';
export { applySetting, loadRecipe } from './recipe-file.js';
export { parseRecipe, recipeSchema, type Energy, type Margin, type Recipe, type RecipeInput } from './recipe.js';
export { builtInRecipe, builtInRecipes } from './recipes.js';
export {
  resumeRun,
  startRun,
  type RunEvents,
  type RunOptions,
  type RunResult,
  type RunStart,
  type StartOptions,
} from './run.js';
export { annealedLambda, effectiveMargin, learningRate } from './schedule.js';
export { Trainer, type TrainerOptions } from './trainer.js';
