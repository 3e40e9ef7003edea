// What of the faces layer runs in a browser: detection and alignment, the very code that Node runs.
export type { FaceChoice } from './choose.js';
export { findFaces, type RotationMode } from './find-faces.js';
export type { Box, Face, Landmarks } from './geometry.js';
export { type DetectorSettings, Mtcnn } from './mtcnn/detector.js';
export type { MtcnnWeights } from './mtcnn/networks.js';
export { readMtcnnFiles, weightFormats } from './mtcnn/weight-files.js';
export { defaultPhotoSettings } from './photo-settings.js';
