// Reading labelled images: sources (folder, zip, list) and decoding.
export {
  type CropSize,
  CropSizeError,
  type DecodeOptions,
  ImageDecodeError,
  decodeCrop,
  decodePhoto,
  defaultDecodeOptions,
} from './decode.js';
export { type OpenOptions, openImageSource } from './open.js';
export type { ImageEntry, ImageSource, OpenedSource, Picture, RefusedFile } from './source.js';
export { type EmbeddingsWriter, createEmbeddingsWriter, embeddingsExtensions } from './embeddings-file.js';
export {
  type VerificationPair,
  type VerificationSet,
  openVerificationSet,
  parseVerificationSet,
} from './verification-set.js';
