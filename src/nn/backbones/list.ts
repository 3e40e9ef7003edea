// The backbones of this package, a line each.
export { mobileFaceNetBackbone } from './mobilefacenet.js';
export { sfnetBackbone } from './sfnet.js';
