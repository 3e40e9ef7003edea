// The backbones of this package, a line each.
export { mobileFaceNetBackbone } from './mobilefacenet.js';
export { onnxBackbone } from './onnx.js';
export { sfnetBackbone } from './sfnet.js';
