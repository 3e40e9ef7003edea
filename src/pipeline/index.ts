// The layers put together: the front door, photos to a report, and a model evaluated on a pair file.
export { demoRecipes } from './demo-recipes.js';
export { defaultPairCount, type DrawnPairs, drawPairsOf, type DrawPairsOptions } from './draw-pairs.js';
export { defaultWorst, evaluateModel, type EvaluateModelOptions, type ModelEvaluation } from './evaluate-model.js';
export { defaultHoldOut, holdOut, type HoldOut, type HoldOutOptions } from './hold-out.js';
export {
  type ModelName,
  type ModelSummary,
  type PipelineEvents,
  type PipelineOptions,
  type PipelineRecipes,
  type PipelineSummary,
  runPipeline,
} from './pipeline.js';
export type { Convention } from './probe/conventions.js';
export type { Separation } from './probe/separation.js';
export { type Probe, type ProbedConvention, probeModel, type ProbeOptions } from './probe/probe.js';
export { type ClassifierSpread, classifierSpread } from './spread.js';
export {
  type ComparedPhoto,
  FaceRecognizer,
  type RecognizerOptions,
  type Verification,
} from './recognition/recognizer.js';
export { DetectedFace } from './recognition/face.js';
export type { ModelCrops } from './recognition/model-crops.js';
export type { PhotoInput, Pixels } from './recognition/photo-input.js';
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
