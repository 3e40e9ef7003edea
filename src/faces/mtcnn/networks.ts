// MTCNN's three networks (Zhang et al., IEEE SPL 2016): their layers, their weights, and the graphs that run them.
import { SphereFaceError } from '../../common/errors.js';
import {
  add,
  conv2d,
  flatten,
  Graph,
  matmul,
  maxPool2d,
  prelu,
  serialize,
  softmax,
  type Value,
} from '../../graph/index.js';

/** A step of a network. Convolutions have no padding and stride 1; pooling takes maxima and rounds its size up, as Caffe does. */
type Step =
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
  /** Side of the square it judges, in pixels. */
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
  /** Proposes: fully convolutional, one judgement every 2 pixels. */
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

export type NetworkName = keyof typeof networks;
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
 * The published weights: per network one array per {@link weightSlots} entry, in Caffe's layout. The published networks see
 * pictures with rows and columns exchanged (Matlab's memory order); the graphs built here undo that in the kernels.
 */
export type MtcnnWeights = Readonly<Record<NetworkName, readonly Float32Array[]>>;

/**
 * The ONNX model of a network. Input `images` [n, 3, h, w]: RGB, (x − 127.5) / 128; n is free, and h and w are for the
 * P-Net. Outputs: `probability` [n, 2, …] (no face, face), `offsets` [n, 4, …] (of x1, y1, x2, y2, in box sizes), and
 * from the O-Net `points` [n, 10] (five x, then five y, in box sizes).
 */
export function buildNetwork(name: NetworkName, weights: MtcnnWeights): Uint8Array {
  const network: Network = networks[name];
  const arrays = weightSlots(network).map((slot, i): [string, Float32Array] => {
    const data = weights[name][i];
    const size = slot.shape.reduce((product, dim) => product * dim, 1);
    if (data?.length !== size) {
      throw new SphereFaceError(`The ${name} weights do not fit the network.`, {
        got: `${data?.length ?? 'no'} values for ${slot.layer}`,
        expected: `${size}`,
      });
    }
    return [`${slot.layer}.${slot.blob}`, slot.kernel > 1 ? exchangeRowsAndColumns(data, slot.kernel) : data];
  });
  const arrayOf = new Map(arrays);
  const graph = new Graph();
  const images = graph.input('images', 'float32', [1, 3, network.window, network.window]);
  const run = (x: Value, step: Step): Value => {
    switch (step.kind) {
      case 'conv': {
        const { channels, inputs, kernel } = step;
        const w = graph.constant(arrayOf.get(`${step.name}.0`)!, [channels, inputs, kernel, kernel]);
        return conv2d(x, w, { bias: graph.constant(arrayOf.get(`${step.name}.1`)!, [channels]) });
      }
      case 'prelu':
        return prelu(x, graph.constant(arrayOf.get(`${step.name}.0`)!, [step.channels]));
      case 'pool':
        return maxPool2d(x, { kernel: step.kernel, stride: step.stride, rounding: 'ceil' });
      case 'dense': {
        const inputs = step.inputs * step.kernel * step.kernel;
        const w = graph.constant(transposed(arrayOf.get(`${step.name}.0`)!, inputs), [inputs, step.channels]);
        return add(
          matmul(x.rank > 2 ? flatten(x) : x, w),
          graph.constant(arrayOf.get(`${step.name}.1`)!, [step.channels]),
        );
      }
    }
  };
  const trunk = network.steps.reduce(run, images);
  const outputs = Object.fromEntries(
    network.heads.map(({ output, step }) => {
      const y = run(trunk, step);
      return [output, output === 'probability' ? softmax(y, 1) : y];
    }),
  );
  const axes = (rows: string, columns: string): Record<number, string> =>
    name === 'pnet' ? { 0: 'batch', 2: rows, 3: columns } : { 0: 'batch' };
  const dynamicAxes: Record<string, Record<number, string>> = { images: axes('height', 'width') };
  for (const output of Object.keys(outputs)) dynamicAxes[output] = axes('rows', 'columns');
  return serialize(graph, { outputs, dynamicAxes });
}

/** Each `kernel` × `kernel` block of the array, transposed. */
function exchangeRowsAndColumns(data: Float32Array, kernel: number): Float32Array {
  const result = new Float32Array(data.length);
  const area = kernel * kernel;
  for (let block = 0; block < data.length; block += area) {
    for (let y = 0; y < kernel; y++) {
      for (let x = 0; x < kernel; x++) result[block + y * kernel + x] = data[block + x * kernel + y];
    }
  }
  return result;
}

/** [rows, columns] to [columns, rows]. */
function transposed(data: Float32Array, columns: number): Float32Array {
  const rows = data.length / columns;
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column];
  }
  return result;
}
