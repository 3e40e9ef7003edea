// The energies of this package, a line each.
export { caffe } from './caffe.js';
export { riesz } from './riesz.js';
