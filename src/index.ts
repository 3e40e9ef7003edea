// The package's front door: each layer as a namespace. Import one layer alone, as `sphereface-plus/graph` and so on, to load no more
// than it needs; `graph`, `nn`, `losses` and `evaluation` run in a browser as they are.
export * as evaluation from './evaluation/index.js';
export * as faces from './faces/index.js';
export * as graph from './graph/index.js';
export * as images from './images/index.js';
export * as losses from './losses/index.js';
export * as models from './models/index.js';
export * as nn from './nn/index.js';
export * as pipeline from './pipeline/index.js';
export * as runtime from './runtime/index.js';
export * as synthetic from './synthetic/index.js';
export * as training from './training/index.js';
export { SphereFaceError, UsageError } from './common/errors.js';
export { Random } from './common/random.js';
