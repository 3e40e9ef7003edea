// Pictures and where they come from: sources of labelled images, decoding, and the input convention of a network.
export type { JpegRoundTrip } from './degradation.js';
export { type CropDecoder, type CropFit, type CropSize, CropSizeError, decodeCrop, decodePhoto } from './decode.js';
export { ImageDecodeError } from './decode-error.js';
export { type DecodeOptions, defaultDecodeOptions, type PictureDecoder } from './decoders/decoder.js';
export { describeKinds, pictureDecoders } from './decoders/index.js';
export { blockOtherLoaders } from './decoders/sharp.js';
export {
  type CropFormat,
  cropFormats,
  defaultEncodeOptions,
  type EncodeOptions,
  encodePicture,
  throughJpeg,
} from './encode.js';
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
export { type InputSpec, alignmentAsTaken, assertCropSize, assertSameAlignment, publishedInput } from './input.js';
export { type AlignmentSpec, describeAlignment, sameAlignment } from './alignment.js';
export { fitsInLine } from './line-names.js';
export { type Found, NameFinder } from './finder.js';
export { countIgnored, describeIgnored, type IgnoredCount } from './ignored.js';
export { InputPacker, type PackedPicture } from './packer.js';
export {
  type Augmentation,
  type AugmentationDraws,
  mirrorImage,
  noAugmentation,
  unvaried,
  type Variation,
  variationOf,
} from './augmentation.js';
export type { CropManifest } from './crop-manifest.js';
export { readTextFile, type TextFile } from './text-file.js';
