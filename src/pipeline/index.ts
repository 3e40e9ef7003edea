// The layers put together: photos to a report, and a model evaluated on a pair file.
export { demoRecipes } from './demo-recipes.js';
export { defaultWorst, evaluateModel, type EvaluateModelOptions, type ModelEvaluation } from './evaluate-model.js';
export { defaultHoldOut, formatPairs, holdOut, type HoldOut, type HoldOutOptions } from './hold-out.js';
export {
  type ModelName,
  type ModelSummary,
  type PipelineEvents,
  type PipelineOptions,
  type PipelineRecipes,
  type PipelineSummary,
  runPipeline,
} from './pipeline.js';
export { type ClassifierSpread, classifierSpread } from './spread.js';
