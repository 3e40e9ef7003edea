// What of the pipeline runs in a browser.
export { demoRecipes } from './demo-recipes.js';
export { groupFaces } from './recognition/grouping.js';
export { cropsOf, type ModelCrops } from './recognition/model-crops.js';
export { DetectedFace } from './recognition/face.js';
export { type Pixels, toPicture } from './recognition/pixels.js';
export { chooseThreshold, type ThresholdOptions } from './recognition/threshold.js';
export { type EmbeddedPhoto, type Verification, verificationOf } from './recognition/verification.js';
export { renderRun } from './run-report/page.js';
