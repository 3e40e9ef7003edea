// The margins of this package, a line each.
export { arcFace } from './arcface.js';
export { aSoftmax } from './a-softmax.js';
export { cosFace } from './cosface.js';
export { normalisedSoftmax } from './normalised-softmax.js';
export { softmax } from './softmax.js';
export { sphereFace2 } from './sphereface2.js';
export { sphereFaceR } from './sphereface-r.js';
