// The pure arithmetic of evaluation: nothing here knows files, Node or where embeddings come from.
export * from './bootstrap.js';
export * from './comparison.js';
export * from './cosine.js';
export * from './identification.js';
export * from './protocols.js';
export * from './roc.js';
export * from './scores.js';
export * from './threshold.js';
