// The graphs that run MTCNN's networks, with the published weights built in.
import { SphereFaceError } from '../../common/errors.js';
import {
  add,
  concat,
  conv2d,
  flatten,
  Graph,
  matmul,
  maximum,
  maxPool2d,
  prelu,
  serialize,
  sigmoid,
  slice,
  sizeOf,
  type Value,
} from '../../graph/index.js';
import { type MtcnnWeights, type Network, type NetworkName, networks, type Step, weightSlots } from './networks.js';

type Conv = Extract<Step, { kind: 'conv' }>;
type Pool = Extract<Step, { kind: 'pool' }>;

/**
 * The ONNX model of a network. Input `images` [n, 3, h, w]: RGB, (x − 127.5) / 128; n is free, and so are h and w of the
 * P-Net. Outputs: `probability` [n, 1, …] of a face, `offsets` [n, 4, …] (of x1, y1, x2, y2, in box sizes), and from the
 * O-Net `points` [n, 10] (five x, then five y, in box sizes).
 */
export function buildNetwork(name: NetworkName, weights: MtcnnWeights): Uint8Array {
  const network: Network = networks[name];
  const graph = new Graph();
  const images = graph.input('images', 'float32', [1, 3, network.window, network.window]);
  const builder = new Builder(graph, uprightArrays(name, weights));
  const trunk = builder.trunk(images, network.steps);
  const outputs: Record<string, Value> = {};
  for (const { output, step } of network.heads) {
    outputs[output] = output === 'probability' ? builder.faceProbability(trunk, step) : builder.step(trunk, step);
  }
  const axes = (rows: string, columns: string): Record<number, string> =>
    name === 'pnet' ? { 0: 'batch', 2: rows, 3: columns } : { 0: 'batch' };
  const dynamicAxes: Record<string, Record<number, string>> = { images: axes('height', 'width') };
  for (const output of Object.keys(outputs)) dynamicAxes[output] = axes('rows', 'columns');
  return serialize(graph, { outputs, dynamicAxes });
}

/** Where the published layout has columns before rows, rows come first here: by layer and blob, `conv1.0`, … */
function uprightArrays(name: NetworkName, weights: MtcnnWeights): ReadonlyMap<string, Float32Array> {
  const arrays = weightSlots(networks[name]).map((slot, i): [string, Float32Array] => {
    const data = weights[name][i];
    const size = sizeOf(slot.shape);
    if (data?.length !== size) {
      throw new SphereFaceError(`The ${name} weights do not fit the network.`, {
        got: `${data?.length ?? 'no'} values for ${slot.layer}`,
        expected: `${size}`,
      });
    }
    return [`${slot.layer}.${slot.blob}`, slot.kernel > 1 ? exchangeRowsAndColumns(data, slot.kernel) : data];
  });
  return new Map(arrays);
}

/** Channels per block of the runtime's blocked layout with AVX-512; with AVX2 it is 8. */
const channelBlock = 16;

class Builder {
  constructor(
    private readonly graph: Graph,
    private readonly arrays: ReadonlyMap<string, Float32Array>,
  ) {}

  /** The common steps, one after the other. */
  trunk(images: Value, steps: readonly Step[]): Value {
    let x = images;
    /** Which channel of the network each channel of x is. */
    let order: readonly number[] | undefined;
    for (let i = 0; i < steps.length; i++) {
      const [step, second, third] = steps.slice(i, i + 3);
      if (step.kind === 'conv' && second?.kind === 'prelu' && third?.kind === 'pool') {
        [x, order] = this.convPreluPool(x, order, step, this.array(second.name, 0), third);
        i += 2;
      } else {
        x = this.step(x, step, order);
        order = undefined;
      }
    }
    return x;
  }

  /** One step. `order`: of x's channels, for a convolution. */
  step(x: Value, step: Step, order?: readonly number[]): Value {
    switch (step.kind) {
      case 'conv': {
        const { name, channels, inputs, kernel } = step;
        const weights = inOrder(this.array(name, 0), inputs, kernel, order);
        return conv2d(x, this.graph.constant(weights, [channels, inputs, kernel, kernel]), {
          bias: this.graph.constant(this.array(name, 1), [channels]),
        });
      }
      case 'prelu':
        return prelu(x, this.graph.constant(this.array(step.name, 0), [step.channels]));
      case 'pool':
        return maxPool2d(x, { kernel: step.kernel, stride: step.stride, rounding: 'ceil' });
      case 'dense': {
        const { name, channels, inputs, kernel } = step;
        const size = inputs * kernel * kernel;
        const weights = this.graph.constant(transposed(this.array(name, 0), size), [size, channels]);
        const flat = x.rank > 2 ? flatten(x) : x;
        return add(matmul(flat, weights), this.graph.constant(this.array(name, 1), [channels]));
      }
    }
  }

  /** The second of a softmax over two logits is the sigmoid of their difference: one output instead of two. */
  faceProbability(x: Value, step: Step): Value {
    if (step.kind !== 'conv' && step.kind !== 'dense')
      throw new TypeError(`no logits from a step of kind ${step.kind}`);
    const { name } = step;
    const difference = (blob: 0 | 1) => {
      const data = this.array(name, blob);
      const half = data.length / 2;
      return Float32Array.from({ length: half }, (_, i) => data[half + i] - data[i]);
    };
    const logit = `${name}.difference`;
    const arrays = new Map([
      [`${logit}.0`, difference(0)],
      [`${logit}.1`, difference(1)],
    ]);
    return sigmoid(new Builder(this.graph, arrays).step(x, { ...step, name: logit, channels: 1 }));
  }

  /**
   * Convolution, PReLU and maximum, with the PReLU after the maximum, where there are a quarter as many values and the
   * runtime can keep its blocked layout through convolution and pooling. It is the same function: with a slope a ≥ 0,
   * PReLU is increasing and commutes with the maximum; with a < 0 it is max(z, a z), and the maximum of that over a window is
   * the larger of the maxima of z and of a z, the latter being a convolution with a times the weights.
   * @returns the result and the order of its channels: those with negative slopes come first
   */
  private convPreluPool(
    x: Value,
    order: readonly number[] | undefined,
    { name, inputs, kernel, channels }: Conv,
    slopes: Float32Array,
    pool: Pool,
  ): [Value, readonly number[]] {
    const all = Array.from(slopes.keys());
    const negative = all.filter((channel) => slopes[channel] < 0);
    const others = all.filter((channel) => !(slopes[channel] < 0));
    const size = inputs * kernel * kernel;
    const weights = inOrder(this.array(name, 0), inputs, kernel, order);
    const rows = [
      ...negative.map((channel) => ({ channel, factor: 1 })),
      ...negative.map((channel) => ({ channel, factor: slopes[channel] })),
      ...others.map((channel) => ({ channel, factor: 1 })),
    ];
    // The runtime's blocked pooling wants whole blocks of channels; those added are 0 and dropped below.
    const used = rows.length;
    while (rows.length % channelBlock !== 0) rows.push({ channel: 0, factor: 0 });
    const take = (data: Float32Array, width: number) => {
      const result = new Float32Array(rows.length * width);
      rows.forEach(({ channel, factor }, row) => {
        for (let i = 0; i < width; i++) result[row * width + i] = factor * data[channel * width + i];
      });
      return result;
    };
    const convolved = conv2d(x, this.graph.constant(take(weights, size), [rows.length, inputs, kernel, kernel]), {
      bias: this.graph.constant(take(this.array(name, 1), 1), [rows.length]),
    });
    const pooled = this.step(convolved, pool);
    const part = (from: number, to: number) => slice(pooled, { axes: [1], starts: [from], ends: [to] });
    const parts: Value[] = [];
    const count = negative.length;
    if (count > 0) parts.push(maximum(part(0, count), part(count, 2 * count)));
    if (count < channels) {
      const positive = Float32Array.from(others, (channel) => slopes[channel]);
      parts.push(prelu(part(2 * count, used), this.graph.constant(positive, [others.length])));
    }
    return [parts.length === 1 ? parts[0] : concat(parts, 1), [...negative, ...others]];
  }

  private array(layer: string, blob: 0 | 1): Float32Array {
    return this.arrays.get(`${layer}.${blob}`)!;
  }
}

/** Convolution weights [outputs, inputs, kernel, kernel] for inputs that come in another order. */
function inOrder(data: Float32Array, inputs: number, kernel: number, order?: readonly number[]): Float32Array {
  if (order === undefined) return data;
  const area = kernel * kernel;
  const result = new Float32Array(data.length);
  for (let output = 0; output < data.length; output += inputs * area) {
    order.forEach((channel, i) => {
      const from = output + channel * area;
      result.set(data.subarray(from, from + area), output + i * area);
    });
  }
  return result;
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
