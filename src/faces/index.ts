// The public face of the faces layer: detection, alignment, and preparing photos for training.
export { alignFace, cropCenter, missingFacePolicies, type MissingFacePolicy } from './align.js';
export { chooseFace, faceChoices, type FaceChoice } from './choose.js';
export { type Box, type Face, intersectionOverUnion, type Landmarks, type Point } from './geometry.js';
export { type DetectorOptions, type DetectorSettings, Mtcnn, publishedDetector } from './mtcnn/detector.js';
export type { MtcnnWeights } from './mtcnn/networks.js';
export { type CropSettings, defaultCrop, defaultPhotoSettings, type PhotoSettings } from './photo.js';
export type { AlignedManifest, PrepareCounts } from './manifest.js';
export { type KnownDetections, prepare, type PrepareOptions, type PrepareResult } from './prepare.js';
export {
  type DetectedPhoto,
  type DetectionRecord,
  formatDetection,
  isUnreadable,
  parseDetection,
  type UnreadablePhoto,
} from './records.js';
export { type Affine, fitSimilarity, invert, similaritySolvers, type SimilaritySolver } from './similarity.js';
export {
  alignmentSpec,
  alignmentVersion,
  type CropSizeName,
  type Template,
  templateOf,
  templates,
} from './template.js';
export { warp } from './warp.js';
