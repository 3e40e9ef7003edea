// The public face of the nn layer.
export { backbones, embeddingNetwork, type EmbeddingNetwork, type EmbeddingNetworkInput } from './backbones/index.js';
export { withPresentNames, type BackboneDescriptor, type BackboneOptions } from './backbones/backbone.js';
export { fill, type Filler, passOver } from './fillers.js';
export * from './layers.js';
export { mobileFaceNet, type MobileFaceNetOptions } from './backbones/mobilefacenet.js';
export * from './parameters.js';
export { sgdUpdate, type SgdScalars } from './sgd.js';
export { sfnet, sfnetUnits, type SfnetDepth, type SfnetOptions } from './backbones/sfnet.js';
export { onnxBackbone, type PictureSize } from './onnx/backbone.js';
export { type OnnxNetworkOptions, readOpsets } from './onnx/read.js';
export type { BatchNormMode } from './onnx/operand.js';
