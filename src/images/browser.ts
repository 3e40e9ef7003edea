// What of the images layer runs in a browser: the input convention and pictures. Decoding is the browser's own.
export { type AlignmentSpec, describeAlignment } from './alignment.js';
export { ImageDecodeError } from './decode-error.js';
export { type InputSpec, publishedInput } from './input.js';
export { type ImageEntry, type ImageSource, maxImageBytes, type Picture } from './source.js';
