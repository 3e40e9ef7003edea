// What of the models layer runs in a browser: model files as bytes.
export { type ExportType, exportModel } from './export.js';
export type { PictureEmbedder } from './embedder.js';
export { type Calibration, type ModelMetadata, withMetadata } from './metadata.js';
export { type OpenBytesOptions, openModelBytes } from './open-bytes.js';
export { encodeWeights } from './weights.js';
