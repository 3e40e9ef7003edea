// Model files: opened, written, their metadata and parameters.
export {
  type Calibration,
  type ModelMetadata,
  decodeMetadata,
  encodeMetadata,
  metadataKeys,
  parseInputSpec,
} from './metadata.js';
export type { EmbedderOptions, EmbedOptions, PictureEmbedder } from './embedder.js';
export {
  type Model,
  type OpenModelOptions,
  type ModelSource,
  openModel,
  picturesOf,
  readInputSpec,
  readMetadata,
  statedInput,
  type StatingModel,
  sidecarOf,
  updateMetadata,
} from './model.js';
export { type KnownModel, knownModel, knownModels } from './known-models.js';
export { type LoadedStarter, loadStarter, type StarterOptions, starterSources } from './starter/starter.js';
export { starterModel } from './starter/description.js';
export type { FileSource } from './sources.js';
export { ModelFileError, type Parameter } from '../graph/onnx/index.js';
export { readWholeModel } from './external-data.js';
export type { PictureType, StatedPictures } from './ports.js';
export { readModelFile, writeModel } from './model-file.js';
export { readParameters } from './parameters.js';
export { type EmbedFailure, type EmbedImagesOptions, type EmbeddedBatch, embedImages } from './embed-images.js';
export {
  type ImportCaffeOptions,
  type ImportedModel,
  type ImportOnnxOptions,
  importCaffe,
  importOnnx,
} from './import.js';
export { foreignKind } from './foreign-kind.js';
export type { OtherKind } from '../graph/onnx/index.js';
export { tryImported } from './trial.js';
export { type ExportType, exportModel, exportTypes, foreignDomains, requiredCosine, smallestCosine } from './export.js';
export { type EmbeddingsFile, maxEmbeddingsBytes, readEmbeddings } from './embeddings/read-embeddings.js';
export { type EmbeddingsWriter, createEmbeddingsWriter, embeddingsExtensions } from './embeddings/embeddings-file.js';
export { bytesOf, decodeSafetensors, encodeSafetensors, safetensorsHeader, type Tensor } from './safetensors.js';
export { classifierPath, copyClassifier, readClassifier } from './classifier-file.js';
export { type Weights, decodeWeights, encodeWeights, statementsOf, weightsParts } from './weights.js';
export { WeightsFile } from './weights-file.js';
export { npyHeader } from './embeddings/npy.js';
export { maxNpyHeader, type NpyHeader, readNpyHeader } from './embeddings/npy-read.js';
