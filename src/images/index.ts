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
export { type OpenOptions, openImageSource } from './formats/open.js';
export type { ImageEntry, ImageSource, OpenedSource, Picture, RefusedFile } from './source.js';
export {
  type VerificationPair,
  type VerificationSet,
  openVerificationSet,
  parseVerificationSet,
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
