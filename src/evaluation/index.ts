// Evaluation: pair files, protocols, metrics, calibration, and the report page. All of it runs in a browser too; only
// `report/files.ts`, which writes a report's folder, needs Node.
export { type CalibratedThreshold, calibrate, thresholdAt } from './calibration.js';
export {
  type Evaluation,
  type EvaluationInput,
  type EvaluationNumbers,
  evaluatePairs,
  reportedRates,
} from './evaluate.js';
export { evaluateIdentification, type IdentificationNumbers, reportedRanks } from './identification.js';
export * from './metrics/index.js';
export { type Mistake, worstMistakes } from './mistakes.js';
export * from './pairs/index.js';
export type { Facts } from './report/page.js';
export { type PicturedPair, renderReport, type ReportContent } from './report/report.js';
export {
  type EmbeddedRows,
  type Embedder,
  type EvaluationRun,
  type EvaluationRunResult,
  type MissingImage,
  MissingImagesError,
  runEvaluation,
} from './run.js';
