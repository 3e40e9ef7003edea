// The residual networks of SphereFace (Liu et al., CVPR 2017, table 2; recipe A.3): depth 4, 10, 20, 36 and 64.
import { SphereFaceError } from '../../common/errors.js';
import { add, type Value } from '../../graph/index.js';
import type { Filler } from '../fillers.js';
import { convolution, fullyConnected, parametricRelu } from '../layers.js';
import type { NetworkBuilder } from '../parameters.js';

/** Residual units in each of the four stages. */
export const sfnetUnits = {
  4: [0, 0, 0, 0],
  10: [0, 1, 2, 0],
  20: [1, 2, 4, 1],
  36: [2, 4, 8, 2],
  64: [3, 8, 16, 3],
} as const satisfies Record<number, readonly [number, number, number, number]>;

export type SfnetDepth = keyof typeof sfnetUnits;

export interface SfnetOptions {
  readonly depth: SfnetDepth;
  /** Channels of the four stages; published: 64, 128, 256, 512. */
  readonly widths?: readonly [number, number, number, number];
  /** Size of the embedding; published: 512. */
  readonly embeddingSize?: number;
}

export const publishedWidths = [64, 128, 256, 512] as const;
export const publishedEmbeddingSize = 512;

const residualFiller: Filler = { type: 'gaussian', std: 0.01 };

/**
 * The embedding [n, embeddingSize] of images [n, 3, 112, 96]. Layers are named as in the published files: `conv1_1`, `relu1_1`, …, `fc5`.
 * Each stage halves the picture; a residual unit is two convolutions with PReLU, added to its input, and nothing after the sum.
 */
export function sfnet(net: NetworkBuilder, images: Value, options: SfnetOptions): Value {
  const { depth, widths = publishedWidths, embeddingSize = publishedEmbeddingSize } = options;
  const units: readonly number[] | undefined = sfnetUnits[depth];
  if (units === undefined) {
    throw new SphereFaceError('There is no such sfnet.', {
      got: `depth ${depth}`,
      expected: `one of ${Object.keys(sfnetUnits).join(', ')}`,
    });
  }
  let x = images;
  units.forEach((count, stage) => {
    const out = widths[stage];
    let layer = 0;
    const step = (input: Value, stride: 1 | 2): Value => {
      const name = `${stage + 1}_${++layer}`;
      const y =
        stride === 2
          ? convolution(net, `conv${name}`, input, { out, kernel: 3, stride, padding: 1, bias: 'caffe' })
          : convolution(net, `conv${name}`, input, {
              out,
              kernel: 3,
              padding: 1,
              filler: residualFiller,
              bias: 'frozen',
            });
      return parametricRelu(net, `relu${name}`, y);
    };
    x = step(x, 2);
    for (let unit = 0; unit < count; unit++) x = add(x, step(step(x, 1), 1));
  });
  return fullyConnected(net, 'fc5', x, { out: embeddingSize });
}
