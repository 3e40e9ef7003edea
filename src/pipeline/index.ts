// The layers put together: the front door, photos to a report, and a model evaluated on a pair file.
export { demoRecipes } from './demo-recipes.js';
export type { FineTuneSummary } from './before-and-after.js';
export { defaultPairCount, type DrawnPairs, drawPairsOf, type DrawPairsOptions } from './draw-pairs.js';
export { embedOnRanks } from './embed-on-ranks.js';
export { defaultWorst, evaluateModel, type EvaluateModelOptions, type ModelEvaluation } from './evaluate-model.js';
export { runPipeline } from './pipeline.js';
export type {
  FineTuneRecipes,
  ModelName,
  ModelSummary,
  PipelineEvents,
  PipelineOptions,
  PipelineRecipes,
  PipelineSummary,
  ScratchRecipes,
  StageStatus,
} from './types.js';
export type { Convention } from './probe/conventions.js';
export type { Separation } from './probe/separation.js';
export { type Probe, type ProbedConvention, probeModel, type ProbeOptions } from './probe/probe.js';
export { evaluateSnapshots, type EvaluateSnapshotsOptions, type WeightsEvaluation } from './snapshots.js';
export type { SnapshotNumbers, SnapshotsResult } from './run-report/snapshots-page.js';
export { reportRun, type ReportRunOptions, type RunReportFiles } from './run-report/report-run.js';
export { type Arm, type Question } from './study/arms.js';
export { builtInStudies } from './study/built-in.js';
export { type Cell, type StudyPlan } from './study/cells.js';
export { type StudyData, type StudyPairs } from './study/data.js';
export { type Estimate, estimate as estimateStudy } from './study/estimate.js';
export { tellParent } from './study/jobs.js';
export { loadStudy, parseStudy } from './study/load.js';
export { type CellStatus, statusOf as studyStatus } from './study/records.js';
export { type StudyFiles, writeResults as writeStudyResults } from './study/results.js';
export { openStudy, type OpenStudyOptions, runStudy, type RunStudyOptions } from './study/run.js';
export { type StudyDefinition, type StudyInput, studySchema } from './study/schema.js';
export { answersOf } from './study/sentences.js';
export type { ArmSummary, CellSummary, ComparisonSummary, QuestionSummary, StudySummary } from './study/summary.js';
export { type Share, work as workOnStudy, type WorkerEvent, type WorkerOptions } from './study/worker.js';
export { type ClassifierSpread, classifierSpread } from './spread.js';
export { FaceRecognizer, type RecognizerOptions } from './recognition/recognizer.js';
export type { ComparedPhoto, Verification } from './recognition/verification.js';
export { DetectedFace } from './recognition/face.js';
export type { ModelCrops } from './recognition/model-crops.js';
export type { PhotoInput } from './recognition/photo-input.js';
export type { Pixels } from './recognition/pixels.js';
export type { FaceInput } from './recognition/photo-crops.js';
export type { EmbeddedFace, Embedder, EmbeddingOrigin, FailedPhoto } from './recognition/embedder.js';
export type { Threshold, ThresholdOptions } from './recognition/threshold.js';
export {
  Gallery,
  type GalleryOptions,
  type IdentifyOptions,
  type Match,
  unknownIdentity,
} from './recognition/gallery/gallery.js';
export type { GalleryPhoto, GalleryProblem, Stamp } from './recognition/gallery/contents.js';
export type { EnrollOptions, EnrollReport } from './recognition/gallery/enroll.js';
export type { OpenSetDecision, OpenSetOptions } from './recognition/gallery/open-set.js';
export { type RowType, rowTypes } from './recognition/gallery/rows.js';
export { type IdentityScore, identityScores } from './recognition/gallery/search.js';
export { isGallery } from './recognition/gallery/store.js';
