// The package's front door: `FaceRecognizer` and what goes with it, and each layer as a namespace. Import one layer alone, as
// `sphereface-plus/graph` and so on, to load no more than it needs; `graph`, `nn`, `losses` and `evaluation` run in a browser as they are.
export {
  type ComparedPhoto,
  DetectedFace,
  type EmbeddedFace,
  type EnrollOptions,
  type EnrollReport,
  type FaceInput,
  FaceRecognizer,
  type FailedPhoto,
  Gallery,
  type GalleryOptions,
  type GalleryPhoto,
  type GalleryProblem,
  type IdentifyOptions,
  type IdentityScore,
  type Match,
  type OpenSetDecision,
  type OpenSetOptions,
  type PhotoInput,
  type Pixels,
  type RecognizerOptions,
  type RowType,
  type ThresholdOptions,
  unknownIdentity,
  type Verification,
} from './pipeline/index.js';
export { cosine, meanDirection } from './evaluation/index.js';
export { type EmbeddingsFile, type Model, openModel, readEmbeddings } from './models/index.js';
export { type LoadedWeights, loadMtcnnWeights } from './faces/index.js';
export type { Picture } from './images/index.js';
export { type Device, DeviceError } from './runtime/index.js';
export * as distributed from './distributed/index.js';
export * as evaluation from './evaluation/index.js';
export * as faces from './faces/index.js';
export * as graph from './graph/index.js';
export * as images from './images/index.js';
export * as losses from './losses/index.js';
export * as models from './models/index.js';
export * as nn from './nn/index.js';
export * as pipeline from './pipeline/index.js';
export * as runtime from './runtime/index.js';
export * as synthetic from './synthetic/index.js';
export * as training from './training/index.js';
export { type ErrorParts, SphereFaceError, UsageError } from './common/errors.js';
export { Random, type RandomState } from './common/random.js';
export type { Descriptor, Kind, Registry } from './common/registry.js';
export type { SchemaField } from './common/schema-fields.js';
