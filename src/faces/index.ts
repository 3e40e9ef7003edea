// The public face of the faces layer: detection, alignment, and preparing photos for training.
export { alignFace, cropCenter, missingFacePolicies, type MissingFacePolicy } from './align.js';
export { chooseFace, faceChoices, type FaceChoice } from './choose.js';
export { type Box, type Face, intersectionOverUnion, type Landmarks, type Point } from './geometry.js';
export { type Duplicate, foldersByName, type IdentityList, listIdentities, type ListOptions } from './identity-list.js';
export { detectPhotos, type DetectPhotosOptions } from './detect-photos.js';
export { type DetectorOptions, type DetectorSettings, Mtcnn, publishedDetector } from './mtcnn/detector.js';
export type { MtcnnWeights, NetworkName } from './mtcnn/networks.js';
export { mtcnnDigests } from './mtcnn/weight-files.js';
export {
  type LoadedWeights,
  loadMtcnnWeights,
  mtcnnOrigin,
  mtcnnSources,
  type WeightOptions,
  type WeightSource,
} from './mtcnn/weights.js';
export { findFaces, type FindOptions, type FoundFaces, type RotationMode, rotationModes } from './find-faces.js';
export {
  type CropSettings,
  defaultCrop,
  defaultPhotoSettings,
  type FaceSelection,
  faceSelections,
  type PhotoSettings,
} from './photo-settings.js';
export type { CropLayout } from './crop-names.js';
export type { AlignedManifest, CropDescription, FileError, PrepareCounts } from './manifest.js';
export { photosToPrepare, type StrayPolicy } from './photo-source.js';
export { defaultPhotoSeconds } from './pool.js';
export { type KnownDetections, prepare, type PrepareOptions, type PrepareResult } from './prepare.js';
export {
  type DetectedPhoto,
  type DetectionRecord,
  formatDetection,
  isUnreadable,
  parseDetection,
  type UnreadablePhoto,
} from './records.js';
export { type Range, type Region, Resizer } from './resize.js';
export { type Affine, fitSimilarity, invert, similaritySolvers, type SimilaritySolver } from './similarity.js';
export {
  alignmentSpec,
  alignmentVersion,
  type CropSizeName,
  type Template,
  templateOf,
  templates,
  requireTemplateSize,
} from './template.js';
export { type QuarterTurn, turned, turnedBack } from './turn.js';
export { type Fit, fitTemplate, isUpright } from './upright.js';
export { warp } from './warp.js';
