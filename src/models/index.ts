// Model files: opened, written, their metadata and parameters.
export {
  type AlignmentSpec,
  InputPacker,
  type InputSpec,
  type PackedPicture,
  assertCropSize,
  assertSameAlignment,
  describeAlignment,
  publishedInput,
} from './input.js';
export {
  type Calibration,
  type ModelMetadata,
  decodeMetadata,
  encodeMetadata,
  metadataKeys,
  packageVersion,
  parseInputSpec,
} from './metadata.js';
export {
  type EmbedOptions,
  type Model,
  type OpenModelOptions,
  openModel,
  readInputSpec,
  readMetadata,
  sidecarOf,
  updateMetadata,
} from './model.js';
export { type CropManifest, readCropManifest } from './crop-manifest.js';
export { ModelFileError, readModelFile, writeModel } from './onnx.js';
export { type Parameter, readParameters } from './parameters.js';
export { type EmbedFailure, type EmbedImagesOptions, type EmbeddedBatch, embedImages } from './embed-images.js';
export { type ImportCaffeOptions, type ImportedModel, importCaffe, importOnnx } from './import.js';
export { type ExportType, exportModel, exportTypes, foreignDomains, requiredCosine, smallestCosine } from './export.js';
