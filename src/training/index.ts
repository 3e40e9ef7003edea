// The public face of training: recipes, runs, checkpoints.
export { CheckpointStore, type Checkpoint, type Sharing, type TrainingState } from './checkpoint.js';
export { type RunAlignment } from './alignment.js';
export { type DataRecord, recordData } from './data-record.js';
export { datasetOf } from './dataset.js';
export { type Dataset, type DatasetOrder, labelledImages, wholeSource } from './labelled-images.js';
export { explainRecipe } from './explain.js';
export { type Components, componentsOf, type Extensions } from './extensions.js';
export {
  Guard,
  TrainingAnomaly,
  underflowLoss,
  type AnomalyKind,
  type GuardState,
  type Learnable,
  type StepReport,
} from './guard.js';
export {
  initializeFrom,
  initRowsModes,
  type InitReport,
  type InitRows,
  type InitTarget,
  type RowsReport,
} from './init.js';
export { readInitialWeights } from './initial-weights.js';
export type { Unreadable } from './loader.js';
export { TrainingLog, type LogLine, type MarginColumns } from './log.js';
export { modelOfWeights } from './model-of.js';
export { classifierName, embeddingModel } from './network.js';
export type { ParameterGroup, ParameterStore } from './parameter-store.js';
export { applySetting, loadRecipe, loadStatedRecipe, type StatedRecipe } from './recipe-file.js';
export {
  type ParseOptions,
  parseRecipe,
  type Recipe,
  type RecipeInput,
  recipeSchema,
  recipeSchemaOf,
} from './recipe.js';
export type { DataSelection, DataSubset } from './recipe-sections.js';
export { builtInRecipe, builtInRecipes } from './recipes.js';
export { RowRange } from './row-range.js';
export { resumeRun, startRun } from './run.js';
export { logOf, type RunEvents, type RunOptions, type RunResult, type RunStart, snapshotsOf } from './run-loop.js';
export type { ResumeOptions, StartOptions } from './run-setup.js';
export {
  type FileNetwork,
  type FileNetworkOptions,
  openNetwork,
  reopenNetwork,
  untrainedModel,
} from './network-file.js';
export { learningRate } from './schedule.js';
export type { StatePlace } from './solver-of.js';
export {
  buildStep,
  gradientName,
  measureNames,
  type MeasureName,
  statisticName,
  type StepModel,
  type StepOptions,
} from './step-graph.js';
export { SnapshotStore } from './snapshots.js';
export { Trainer, type TrainerOptions } from './trainer.js';
export type { Measurement, ValidationState } from './validation-state.js';
