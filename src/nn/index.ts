// The public face of the nn layer.
export { type EmbeddingNetwork, embeddingNetwork } from './backbones/embedding-network.js';
export { fill, type Filler } from './fillers.js';
export * from './layers.js';
export { mobileFaceNet, type MobileFaceNetOptions } from './backbones/mobilefacenet.js';
export * from './parameters.js';
export { sgdUpdate, type SgdScalars } from './sgd.js';
export {
  publishedEmbeddingSize,
  publishedWidths,
  sfnet,
  sfnetUnits,
  type SfnetDepth,
  type SfnetOptions,
} from './backbones/sfnet.js';
