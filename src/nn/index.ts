// The public face of the nn layer.
export { backbones, embeddingNetwork, type EmbeddingNetwork, type EmbeddingNetworkInput } from './backbones/index.js';
export {
  withPresentNames,
  type BackboneDescriptor,
  type BackboneOptions,
  type OpenedBackbone,
  type PictureSize,
} from './backbones/backbone.js';
export { dropoutFactors, type DropoutPart } from './dropout.js';
export { fill, type Filler, passOver } from './fillers.js';
export * from './layers.js';
export { mobileFaceNet, type MobileFaceNetOptions } from './backbones/mobilefacenet.js';
export * from './parameters.js';
export { sgdStep, sgdUpdate, type SgdScalars, type SgdState, type SgdStepScalars } from './sgd.js';
export { sfnet, sfnetUnits, type SfnetDepth, type SfnetOptions } from './backbones/sfnet.js';
export { onnxBackbone } from './backbones/onnx.js';
export { readOpsets } from './onnx/read.js';
