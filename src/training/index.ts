// The public face of training: recipes, runs, checkpoints.
export { CheckpointStore, type Checkpoint, type TrainingState } from './checkpoint.js';
export { datasetOf, type Dataset } from './dataset.js';
export { explainRecipe } from './explain.js';
export { type Components, componentsOf, type Extensions } from './extensions.js';
export { Guard, TrainingAnomaly, underflowLoss, type AnomalyKind, type GuardState, type StepReport } from './guard.js';
export { initializeFrom, readInitParameters, type InitReport } from './init.js';
export { TrainingLog, type LogLine, type MarginColumns } from './log.js';
export { classifierName, embeddingModel } from './network.js';
export { applySetting, loadRecipe } from './recipe-file.js';
export {
  type ParseOptions,
  parseRecipe,
  type Recipe,
  type RecipeInput,
  recipeSchema,
  recipeSchemaOf,
} from './recipe.js';
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
export { learningRate } from './schedule.js';
export {
  buildStep,
  gradientName,
  measureNames,
  type MeasureName,
  type StepModel,
  type StepOptions,
  statisticName,
} from './step-graph.js';
export { Trainer, type TrainerOptions } from './trainer.js';
