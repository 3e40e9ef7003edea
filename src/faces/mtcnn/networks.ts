// MTCNN's three networks (Zhang et al., IEEE Signal Processing Letters 2016): their layers and their weights.

/** A step of a network. Convolutions have no padding and stride 1; pooling takes maxima and rounds its size up, as Caffe does. */
export type Step =
  | {
      readonly kind: 'conv';
      readonly name: string;
      readonly channels: number;
      readonly inputs: number;
      readonly kernel: number;
    }
  | { readonly kind: 'prelu'; readonly name: string; readonly channels: number }
  | { readonly kind: 'pool'; readonly kernel: number; readonly stride: number }
  /** Fully connected over a map of `inputs` channels and `kernel` × `kernel` positions. */
  | {
      readonly kind: 'dense';
      readonly name: string;
      readonly channels: number;
      readonly inputs: number;
      readonly kernel: number;
    };

/** An output: the last step of its own, after the common steps. */
interface Head {
  readonly output: 'probability' | 'offsets' | 'points';
  readonly step: Step;
}

export interface Network {
  /** Side of the square it scores, in pixels. */
  readonly window: number;
  readonly steps: readonly Step[];
  readonly heads: readonly Head[];
}

const conv = (name: string, channels: number, inputs: number, kernel: number): Step => ({
  kind: 'conv',
  name,
  channels,
  inputs,
  kernel,
});
const dense = (name: string, channels: number, inputs: number, kernel = 1): Step => ({
  kind: 'dense',
  name,
  channels,
  inputs,
  kernel,
});
const slopes = (name: string, channels: number): Step => ({ kind: 'prelu', name, channels });
const pool = (kernel: number, stride: number): Step => ({ kind: 'pool', kernel, stride });

/** The networks, with the layer names of the published files (det1, det2, det3). */
export const networks = {
  /** Proposes: fully convolutional, one prediction every 2 pixels. */
  pnet: {
    window: 12,
    steps: [
      conv('conv1', 10, 3, 3),
      slopes('PReLU1', 10),
      pool(2, 2),
      conv('conv2', 16, 10, 3),
      slopes('PReLU2', 16),
      conv('conv3', 32, 16, 3),
      slopes('PReLU3', 32),
    ],
    heads: [
      { output: 'probability', step: conv('conv4-1', 2, 32, 1) },
      { output: 'offsets', step: conv('conv4-2', 4, 32, 1) },
    ],
  },
  /** Refines. */
  rnet: {
    window: 24,
    steps: [
      conv('conv1', 28, 3, 3),
      slopes('prelu1', 28),
      pool(3, 2),
      conv('conv2', 48, 28, 3),
      slopes('prelu2', 48),
      pool(3, 2),
      conv('conv3', 64, 48, 2),
      slopes('prelu3', 64),
      dense('conv4', 128, 64, 3),
      slopes('prelu4', 128),
    ],
    heads: [
      { output: 'probability', step: dense('conv5-1', 2, 128) },
      { output: 'offsets', step: dense('conv5-2', 4, 128) },
    ],
  },
  /** Decides, and places the landmarks. */
  onet: {
    window: 48,
    steps: [
      conv('conv1', 32, 3, 3),
      slopes('prelu1', 32),
      pool(3, 2),
      conv('conv2', 64, 32, 3),
      slopes('prelu2', 64),
      pool(3, 2),
      conv('conv3', 64, 64, 3),
      slopes('prelu3', 64),
      pool(2, 2),
      conv('conv4', 128, 64, 2),
      slopes('prelu4', 128),
      dense('conv5', 256, 128, 3),
      slopes('prelu5', 256),
    ],
    heads: [
      { output: 'probability', step: dense('conv6-1', 2, 256) },
      { output: 'offsets', step: dense('conv6-2', 4, 256) },
      { output: 'points', step: dense('conv6-3', 10, 256) },
    ],
  },
} as const satisfies Record<string, Network>;

export type NetworkName = 'pnet' | 'rnet' | 'onet';
export const networkNames = Object.keys(networks) as readonly NetworkName[];

/** One array of a network: the layer it belongs to, which of its blobs, and the shape in Caffe's layout. */
export interface WeightSlot {
  readonly layer: string;
  /** 0: weights or slopes, 1: bias. */
  readonly blob: 0 | 1;
  readonly shape: readonly number[];
  /** Channels × positions × positions behind a flattened fully connected row; 1 position where there is none. */
  readonly kernel: number;
}

/** The arrays of a network, in the order in which {@link MtcnnWeights} holds them. */
export function weightSlots(network: Network): readonly WeightSlot[] {
  return [...network.steps, ...network.heads.map((head) => head.step)].flatMap((step): WeightSlot[] => {
    switch (step.kind) {
      case 'conv': {
        const { name: layer, channels, inputs, kernel } = step;
        return [
          { layer, blob: 0, shape: [channels, inputs, kernel, kernel], kernel },
          { layer, blob: 1, shape: [channels], kernel: 1 },
        ];
      }
      case 'dense': {
        const { name: layer, channels, inputs, kernel } = step;
        return [
          { layer, blob: 0, shape: [channels, inputs * kernel * kernel], kernel },
          { layer, blob: 1, shape: [channels], kernel: 1 },
        ];
      }
      case 'prelu':
        return [{ layer: step.name, blob: 0, shape: [step.channels], kernel: 1 }];
      case 'pool':
        return [];
    }
  });
}

/**
 * The published weights: per network one array per slot of weights, in Caffe's layout. The published networks see
 * pictures with rows and columns exchanged (Matlab's memory order); the graphs built here undo that in the kernels.
 */
export type MtcnnWeights = Readonly<Record<NetworkName, readonly Float32Array[]>>;
