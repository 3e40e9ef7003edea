// Random damage to a Caffe definition or its weights: a net or an error of the library's own.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SphereFaceError } from '../../common/errors.js';
import { writeCaffeModel } from '../../testing/caffe-writer.js';
import { buildCaffeNet } from './build.js';
import { parseDefinition } from './definition.js';
import { readCaffeModel } from './read.js';

const prototxt = `name: "n" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 6
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 1 } }
layer { name: "relu" type: "PReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: MAX kernel_size: 2 stride: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "pool" bottom: "pool" top: "sum" eltwise_param { operation: SUM coeff: 1 coeff: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "sum" top: "fc" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" softmax_param { axis: 1 } }`;

const ramp = (shape: readonly number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => index),
});
const weights = writeCaffeModel([
  { name: 'conv', type: 'Convolution', blobs: [ramp([4, 3, 3, 3]), ramp([4])] },
  { name: 'relu', type: 'PReLU', blobs: [ramp([4])] },
  { name: 'fc', type: 'InnerProduct', blobs: [ramp([5, 24]), ramp([5])] },
]);

/** Imports, and lets errors of our own pass; anything else fails the test. */
function importOf(definition: string, model: Uint8Array): boolean {
  try {
    buildCaffeNet(parseDefinition(definition, 'net.prototxt'), readCaffeModel(model));
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(SphereFaceError);
    return false;
  }
}

describe('a damaged Caffe model', () => {
  it('imports when it is whole', () => {
    expect(importOf(prototxt, weights)).toBe(true);
  });

  it('is an error of our own or a net, whatever numbers the definition holds', () => {
    const numbers = [...prototxt.matchAll(/(?<=: )\d+/g)].map(({ index }) => index);
    const value = fc.constantFrom('0', '-1', '1.5', '1e30', '4294967296', '7', 'MAX', '"x"', 'nan');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...numbers), value), { minLength: 1, maxLength: 3 }), (edits) => {
        const sorted = [...new Map(edits)].sort(([a], [b]) => b - a);
        const text = sorted.reduce(
          (all, [at, number]) => all.slice(0, at) + number + all.slice(at).replace(/^\d+/, ''),
          prototxt,
        );
        importOf(text, weights);
      }),
      { numRuns: 2000 },
    );
  });

  it('is an error of our own or a net, whatever words it holds and whatever bytes its weights', () => {
    const words = [...prototxt.matchAll(/\w+/g)].map(([word]) => word);
    const word = fc.constantFrom(...new Set(words));
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 2 }), (swaps) => {
        importOf(
          swaps.reduce((text, [from, to]) => text.replace(new RegExp(`\\b${from}\\b`), to), prototxt),
          weights,
        );
      }),
      { numRuns: 2000 },
    );
    const edits = fc.array(fc.tuple(fc.nat(weights.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(edits, (changes) => {
        const damaged = Uint8Array.from(weights);
        for (const [position, byte] of changes) damaged[position] = byte;
        importOf(prototxt, damaged);
      }),
      { numRuns: 2000 },
    );
  });
});
