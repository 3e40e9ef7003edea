// What of the images layer runs in a browser: the input convention and pictures. Decoding is the browser's own.
export { ImageDecodeError } from './decode-error.js';
export { type InputSpec, publishedInput } from './input.js';
export { type ImageSource, maxImageBytes, type Picture } from './source.js';
