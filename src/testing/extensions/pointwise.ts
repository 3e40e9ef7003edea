// A backbone as a user writes one, small enough to be computed by hand: one 1 × 1 convolution, batch normalisation, a fully connected layer.
import { z } from 'zod';
import type { Value } from '../../graph/index.js';
import {
  type BackboneDescriptor,
  batchNorm,
  convolution,
  fullyConnected,
  type NetworkBuilder,
} from '../../nn/index.js';

const schema = z.strictObject({
  type: z.literal('pointwise').describe('One convolution.'),
  embeddingSize: z.int().positive().default(6).describe('Length of an embedding.'),
  channels: z.int().positive().default(4).describe('Of the convolution.'),
  statisticsMomentum: z.number().positive().max(1).default(0.1).describe('Of the batch normalisation.'),
});

export const pointwise = {
  type: 'pointwise',
  summary: 'a 1 × 1 convolution with batch normalisation',
  schema,
  formerNames: { 'out.weight': 'embedding.weight', 'out.bias': 'embedding.bias' },
  build(net: NetworkBuilder, images: Value, { embeddingSize, channels, statisticsMomentum }) {
    const mixed = convolution(net, 'mix', images, { out: channels, kernel: 1 });
    const normal = batchNorm(net, 'mix.norm', mixed, { statisticsMomentum });
    return fullyConnected(net, 'embedding', normal, { out: embeddingSize });
  },
} satisfies BackboneDescriptor<typeof schema>;
