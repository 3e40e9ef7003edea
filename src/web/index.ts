// SphereFace+ in a browser: models and detector from files, photos from the browser's own decoder, training on WebGPU or WebAssembly. Needs
// `onnxruntime-web` beside this package. Nothing here, or under it, imports Node.
import './disposal.js';

export { messageOf, SphereFaceError, UsageError } from '../common/browser.js';
export type { Box, Face, FaceChoice, Landmarks, MtcnnWeights, RotationMode } from '../faces/browser.js';
export { ImageDecodeError, type InputSpec, type Picture } from '../images/browser.js';
export {
  type Calibration,
  type ExportType,
  exportModel,
  type OpenBytesOptions,
  openModelBytes,
  type PictureEmbedder,
} from '../models/browser.js';
export {
  DetectedFace,
  type EmbeddedPhoto,
  type Pixels,
  type ThresholdOptions,
  type Verification,
} from '../pipeline/browser.js';
export type { LogLine, Recipe, RecipeInput } from '../training/browser.js';
export { parseRecipe, TrainingAnomaly } from '../training/browser.js';
export { syntheticConditions, syntheticCrop, syntheticPerson } from '../synthetic/browser.js';
export {
  FaceFinder,
  type FaceFinderOptions,
  fetchDetector,
  isDetectorFile,
  type NamedBlob,
  readDetector,
} from './detector.js';
export { type Engine, type EngineOptions, startEngine, type WebDevice } from './engine.js';
export { decodePicture, type PhotoSource } from './picture.js';
export {
  BrowserRecognizer,
  type FaceSource,
  type FoundFace,
  type FoundPeople,
  type PeopleOptions,
  type RecognizerOptions,
} from './recognizer.js';
export type { SphereView } from './sphere.js';
export {
  type BrowserTrainingOptions,
  type HeldOutResult,
  pageRecipe,
  type Person,
  type TrainedModel,
  trainModel,
  type TrainingProgress,
} from './training.js';
