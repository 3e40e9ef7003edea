// The residual networks of SphereFace (Liu et al., CVPR 2017, table 2; recipe A.3): depth 4, 10, 20, 36 and 64.
import { z } from 'zod';
import { SphereFaceError } from '../../common/errors.js';
import { add, averagePool2d, type Value } from '../../graph/index.js';
import type { Filler } from '../fillers.js';
import { batchNorm, type BiasRule, convolution, fullyConnected, parametricRelu, squeezeExcitation } from '../layers.js';
import type { NetworkBuilder } from '../parameters.js';
import type { BackboneDescriptor } from './backbone.js';
import { statisticsMomentum } from './options.js';

/** Residual units in each of the four stages. */
export const sfnetUnits = {
  4: [0, 0, 0, 0],
  10: [0, 1, 2, 0],
  20: [1, 2, 4, 1],
  36: [2, 4, 8, 2],
  64: [3, 8, 16, 3],
} as const satisfies Record<number, readonly [number, number, number, number]>;

export type SfnetDepth = keyof typeof sfnetUnits;

const count = z.int().positive();

const schema = z.strictObject({
  // The type that is meant where a recipe names none, as those of version 0.1 do not have to.
  type: z.literal('sfnet').optional().default('sfnet').describe('The residual networks of SphereFace.'),
  depth: z
    .literal([4, 10, 20, 36, 64])
    .default(20)
    .describe('SphereFace-4, 10, 20, 36 or 64: the number of convolutions and the last layer.'),
  widths: z
    .tuple([count, count, count, count])
    .readonly()
    .default([64, 128, 256, 512])
    .describe('Channels of the four stages; every stage halves the resolution.'),
  embeddingSize: count.default(512).describe('Length of an embedding.'),
  inputPooling: count
    .default(1)
    .describe('The picture is averaged over squares of this side before the first stage; 2 quarters the work.'),
  slopeDecay: z
    .number()
    .nonnegative()
    .default(1)
    .describe('Decay of the PReLU slopes relative to that of weights: 1 as published, 0 for none.'),
  fillerGain: z
    .number()
    .positive()
    .default(1)
    .describe(
      "Xavier fillers are uniform over ±sqrt(3 · gain / fan-in). 1 is Caffe's; 2 keeps the signal's strength from layer to layer.",
    ),
  batchNorm: z
    .boolean()
    .default(false)
    .describe('Whether batch normalisation follows every convolution, in place of its bias, and the last layer.'),
  statisticsMomentum,
  squeeze: count
    .nullable()
    .default(null)
    .describe('Squeeze and excitation in each residual unit, its layer this many times narrower; null: none.'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of the values before the last layer that is set to 0 while training.'),
});

/** Options of {@link sfnet}; what is not given is as published. */
export type SfnetOptions = Omit<z.input<typeof schema>, 'type'>;

const published = schema.parse({});

export const sfnetBackbone = {
  type: 'sfnet',
  summary: 'SphereFace-4, 10, 20, 36 and 64: residual units of 3 × 3 convolutions with PReLU (Liu et al., CVPR 2017)',
  schema,
  easing: 'raise network.fillerGain to 2',
  build: sfnet,
} satisfies BackboneDescriptor<typeof schema>;

const residualFiller: Filler = { type: 'gaussian', std: 0.01 };

/**
 * The embedding [n, embeddingSize] of images [n, 3, 112, 96]. Layers are named as in the published files: `conv1_1`, `relu1_1`, …, `fc5`.
 * Each stage halves the picture; a residual unit is two convolutions with PReLU, added to its input, and nothing after the sum. Batch
 * normalisation, squeeze and excitation and dropout are not in the published networks.
 */
export function sfnet(net: NetworkBuilder, images: Value, options: SfnetOptions = {}): Value {
  const { depth, widths, embeddingSize, inputPooling, slopeDecay, fillerGain, squeeze, dropout, ...normalisation } = {
    ...published,
    ...options,
  };
  const units: readonly number[] | undefined = sfnetUnits[depth];
  if (units === undefined) {
    throw new SphereFaceError('There is no such sfnet.', {
      got: `depth ${depth}`,
      expected: `one of ${Object.keys(sfnetUnits).join(', ')}`,
    });
  }
  const normalised = normalisation.batchNorm;
  const norm = (name: string, y: Value): Value => (normalised ? batchNorm(net, `${name}.norm`, y, normalisation) : y);
  // What follows takes the mean off, so that a bias would do nothing.
  const biased = (rule: BiasRule): BiasRule => (normalised ? 'none' : rule);
  const filler: Filler = { type: 'xavier', gain: fillerGain };
  let x = inputPooling === 1 ? images : averagePool2d(images, { kernel: inputPooling });
  units.forEach((count, stage) => {
    const out = widths[stage];
    let layer = 0;
    const step = (input: Value, stride: 1 | 2): Value => {
      const name = `${stage + 1}_${++layer}`;
      const shape = { out, kernel: 3, stride, padding: 1 } as const;
      const y =
        stride === 2
          ? convolution(net, `conv${name}`, input, { ...shape, filler, bias: biased('caffe') })
          : convolution(net, `conv${name}`, input, { ...shape, filler: residualFiller, bias: biased('frozen') });
      return parametricRelu(net, `relu${name}`, norm(`conv${name}`, y), { decay: slopeDecay });
    };
    x = step(x, 2);
    for (let unit = 1; unit <= count; unit++) {
      const y = step(step(x, 1), 1);
      x = add(x, squeeze === null ? y : squeezeExcitation(net, `unit${stage + 1}_${unit}`, y, squeeze));
    }
  });
  const kept = net.dropout(x, dropout);
  return norm('fc5', fullyConnected(net, 'fc5', kept, { out: embeddingSize, filler, bias: biased('caffe') }));
}
