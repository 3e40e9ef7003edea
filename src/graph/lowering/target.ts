// What a graph is emitted for: it decides which executable form an op takes.

/** The engine's device a model will run on. `portable` uses standard ONNX operators in their plainest form. */
export type TargetDevice = 'portable' | 'cpu' | 'cuda' | 'webgpu';

export interface Target {
  readonly device: TargetDevice;
  /** Channels per block of the CPU provider's internal blocked layout (16 with AVX-512, 8 with AVX2); absent: do not use it. */
  readonly block?: 8 | 16;
}

/** For models that are stored or handed on: standard operators only. */
export const portable: Target = { device: 'portable' };
