// The networks' graphs against plain loops over the published layout, with random weights.
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { float32, float32Data, Session } from '../../runtime/index.js';
import { buildNetwork } from './build.js';
import { type MtcnnWeights, type Network, networkNames, networks, type Step, weightSlots } from './networks.js';

/** Weights with slopes of either sign and above 1, as the published ones have. */
function randomWeights(seed: number): MtcnnWeights {
  const random = new Random(seed);
  const network = (name: keyof typeof networks) =>
    weightSlots(networks[name]).map(({ shape, layer }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const spread = /prelu/i.test(layer) ? 1.5 : Math.sqrt(3 / (size / shape[0]));
      return Float32Array.from({ length: size }, () => random.between(-spread, spread));
    });
  return { pnet: network('pnet'), rnet: network('rnet'), onet: network('onet') };
}

interface Map3 {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

/** Runs the steps as Caffe does on a picture whose rows and columns are exchanged, which is what the published nets see. */
function runPlainly(network: Network, arrays: readonly Float32Array[], image: Map3): Record<string, Float64Array> {
  const slots = weightSlots(network);
  const array = (layer: string, blob: number) => arrays[slots.findIndex((s) => s.layer === layer && s.blob === blob)];
  const step = (x: Map3, s: Step): Map3 => {
    const at = (c: number, i: number, j: number) => x.data[(c * x.height + i) * x.width + j];
    const make = (
      channels: number,
      height: number,
      width: number,
      value: (c: number, i: number, j: number) => number,
    ) => {
      const data = new Float64Array(channels * height * width);
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < height; i++) {
          for (let j = 0; j < width; j++) data[(c * height + i) * width + j] = value(c, i, j);
        }
      }
      return { channels, height, width, data };
    };
    switch (s.kind) {
      case 'conv': {
        const [w, b] = [array(s.name, 0), array(s.name, 1)];
        return make(s.channels, x.height - s.kernel + 1, x.width - s.kernel + 1, (c, i, j) => {
          let sum = b[c];
          for (let k = 0; k < s.inputs; k++) {
            for (let p = 0; p < s.kernel; p++) {
              for (let q = 0; q < s.kernel; q++) {
                sum += w[((c * s.inputs + k) * s.kernel + p) * s.kernel + q] * at(k, i + p, j + q);
              }
            }
          }
          return sum;
        });
      }
      case 'prelu': {
        const slopes = array(s.name, 0);
        return make(x.channels, x.height, x.width, (c, i, j) => {
          const value = at(c, i, j);
          return value > 0 ? value : slopes[c] * value;
        });
      }
      case 'pool': {
        const size = (side: number) => Math.ceil((side - s.kernel) / s.stride) + 1;
        return make(x.channels, size(x.height), size(x.width), (c, i, j) => {
          let largest = -Infinity;
          for (let p = i * s.stride; p < Math.min(i * s.stride + s.kernel, x.height); p++) {
            for (let q = j * s.stride; q < Math.min(j * s.stride + s.kernel, x.width); q++) {
              largest = Math.max(largest, at(c, p, q));
            }
          }
          return largest;
        });
      }
      case 'dense': {
        const [w, b] = [array(s.name, 0), array(s.name, 1)];
        return make(s.channels, 1, 1, (c) =>
          x.data.reduce((sum, value, i) => sum + w[c * x.data.length + i] * value, b[c]),
        );
      }
    }
  };
  const trunk = network.steps.reduce(step, image);
  return Object.fromEntries(
    network.heads.map(({ output, step: head }) => {
      const { data } = step(trunk, head);
      if (output !== 'probability') return [output, data];
      const half = data.length / 2;
      return [
        output,
        data.slice(0, half).map((no, i) => Math.exp(data[half + i]) / (Math.exp(no) + Math.exp(data[half + i]))),
      ];
    }),
  );
}

function exchanged(data: Float64Array, channels: number, height: number, width: number): Float64Array {
  const result = new Float64Array(data.length);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) result[(c * width + j) * height + i] = data[(c * height + i) * width + j];
    }
  }
  return result;
}

describe.each(networkNames)('%s', (name) => {
  const network: Network = networks[name];
  const weights = randomWeights(7);
  // Odd and different sides: the last pooling windows are cut off, and rows are not columns.
  const [height, width] = name === 'pnet' ? [21, 30] : [network.window, network.window];

  it('computes what the published layers mean', async () => {
    await using session = await Session.create(buildNetwork(name, weights), { threads: 1 });
    const random = new Random(3);
    const count = name === 'pnet' ? 1 : 3;
    const size = 3 * height * width;
    const images = Float32Array.from({ length: count * size }, () => random.between(-1, 1));
    const outputs = await session.run({ images: float32(images, [count, 3, height, width]) });
    for (let n = 0; n < count; n++) {
      const image = Float64Array.from(images.subarray(n * size, (n + 1) * size));
      const seen = { channels: 3, height: width, width: height, data: exchanged(image, 3, height, width) };
      const plain = runPlainly(network, weights[name], seen);
      expect(Object.keys(outputs).sort()).toEqual(Object.keys(plain).sort());
      for (const [output, expected] of Object.entries(plain)) {
        const { dims } = outputs[output];
        const [channels, rows, columns] = [dims[1], dims[2] ?? 1, dims[3] ?? 1];
        expect(channels * rows * columns).toBe(expected.length);
        const got = float32Data(outputs[output]).subarray(n * expected.length, (n + 1) * expected.length);
        const upright = exchanged(expected, channels, columns, rows);
        // float32 through up to ten layers, values of size 1
        got.forEach((value, i) => {
          expect(Math.abs(value - upright[i])).toBeLessThan(2e-5);
        });
      }
    }
  });

  it('refuses weights of another size', () => {
    const wrong = { ...weights, [name]: weights[name].map((array, i) => (i === 1 ? array.subarray(1) : array)) };
    expect(() => buildNetwork(name, wrong)).toThrow(`The ${name} weights do not fit`);
  });
});
