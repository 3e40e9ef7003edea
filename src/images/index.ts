// Pictures and where they come from: sources of labelled images, decoding, and the input convention of a network.
export {
  type CropSize,
  CropSizeError,
  type DecodeOptions,
  ImageDecodeError,
  decodeCrop,
  decodePhoto,
  defaultDecodeOptions,
} from './decode.js';
export { type CropFormat, cropFormats, defaultEncodeOptions, type EncodeOptions, encodePicture } from './encode.js';
export {
  describeFormats,
  documentFormats,
  formatOf,
  imageFormats,
  openImageSource,
  type OpenSourceOptions,
} from './formats/index.js';
export type { ImageFormat, OpenOptions } from './formats/format.js';
export { type MemoryImage, memorySource } from './formats/memory.js';
export {
  type IgnoredFile,
  type ImageEntry,
  type ImageSource,
  openedSource,
  type OpenedSource,
  type Picture,
  type RefusedFile,
  type SourcePair,
  type SourceParts,
} from './source.js';
export {
  type VerificationSet,
  openVerificationSet,
  parseVerificationSet,
  verificationSetFormat,
} from './formats/verification-set.js';
export {
  InputPacker,
  type InputSpec,
  type PackedPicture,
  assertCropSize,
  assertSameAlignment,
  publishedInput,
} from './input.js';
export { type AlignmentSpec, describeAlignment, sameAlignment } from './alignment.js';
export type { CropManifest } from './crop-manifest.js';
