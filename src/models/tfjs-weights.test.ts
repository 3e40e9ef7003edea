// Weights of TensorFlow.js: as float32 and as bytes, over one file and several, and files that are not the manifest's.
import { describe, expect, it } from 'vitest';
import { readTfjsWeights } from './tfjs-weights.js';

const a = Float32Array.of(1.5, -2, 3, 0.25, 5, -6);
const manifest = (paths: readonly string[]) =>
  JSON.stringify([
    {
      paths,
      weights: [
        { name: 'q', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
        { name: 'a', shape: [2, 3], dtype: 'float32' },
      ],
    },
  ]);
const bytes = Uint8Array.of(0, 2, 255, ...new Uint8Array(a.buffer));

describe('readTfjsWeights', () => {
  it('widens bytes and takes float32 as it is, wherever a file ends', () => {
    const shards = new Map([
      ['1', bytes.slice(0, 9)],
      ['2', bytes.slice(9)],
    ]);
    for (const [paths, files] of [
      [['all'], new Map([['all', bytes]])],
      [['1', '2'], shards],
    ] as const) {
      const weights = readTfjsWeights(manifest(paths), files);
      expect(weights.get('q')).toEqual({ shape: [3], data: Float32Array.of(-1, 0, 126.5) });
      expect(weights.get('a')).toEqual({ shape: [2, 3], data: a });
    }
  });

  it('refuses files that are not those of the manifest', () => {
    const read = (content: Uint8Array) => () => readTfjsWeights(manifest(['all']), new Map([['all', content]]));
    expect(read(bytes.slice(0, -1))).toThrow(/26 bytes[^]*27 or more, for a/);
    expect(read(Uint8Array.of(...bytes, 0))).toThrow(/28 bytes[^]*27/);
    expect(() => readTfjsWeights(manifest(['other']), new Map([['all', bytes]]))).toThrow(/files all[^]*other/);
    expect(() => readTfjsWeights('not JSON', new Map())).toThrow(/manifest of the weights is not JSON/);
    expect(() => readTfjsWeights(manifest(['all']).replace('uint8', 'uint4'), new Map())).toThrow(/expected form/);
  });
});
