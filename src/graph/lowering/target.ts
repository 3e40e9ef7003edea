// What a graph is emitted for: it decides which executable form an op takes.
import type { Precision } from './precision.js';

/** The engine's device a model will run on. `portable` uses standard ONNX operators in their plainest form. */
export type TargetDevice = 'portable' | 'cpu' | 'cuda' | 'webgpu' | 'wasm';

export interface Target {
  readonly device: TargetDevice;
  /** Channels that lie beside each other where the CPU's engine keeps pictures in blocks; absent where it has none, or is not asked. */
  readonly channelBlock?: 8 | 16;
  /** How pictures are held between the ops of a network; default float32. See precision.ts. */
  readonly precision?: Precision;
}

/** For models that are stored or handed on: standard operators only. */
export const portable: Target = { device: 'portable' };
