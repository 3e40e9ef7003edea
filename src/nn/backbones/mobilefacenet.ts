// MobileFaceNet (Chen et al., CCBR 2018, table 1): inverted residuals and a global depthwise convolution in place of pooling.
import { z } from 'zod';
import { add, conv2d, flatten, type Value } from '../../graph/index.js';
import { batchNorm, convolution, parametricRelu } from '../layers.js';
import type { NetworkBuilder } from '../parameters.js';
import type { BackboneDescriptor } from './backbone.js';
import { statisticsMomentum } from './options.js';

const schema = z.strictObject({
  type: z.literal('mobilefacenet').describe('MobileFaceNet: a million parameters, batch normalisation.'),
  embeddingSize: z.int().positive().default(128).describe('Length of an embedding.'),
  statisticsMomentum,
});

/** Options of {@link mobileFaceNet}; what is not given is as published. */
export type MobileFaceNetOptions = Omit<z.input<typeof schema>, 'type'>;

const published = schema.parse({ type: 'mobilefacenet' });

export const mobileFaceNetBackbone = {
  type: 'mobilefacenet',
  summary: 'MobileFaceNet: inverted residuals with batch normalisation, a million parameters (Chen et al., CCBR 2018)',
  schema,
  build: mobileFaceNet,
} satisfies BackboneDescriptor<typeof schema>;

/** Bottlenecks: expansion t, channels c, repeats n, stride of the first s. */
const bottlenecks = [
  { expansion: 2, channels: 64, repeats: 5, stride: 2 },
  { expansion: 4, channels: 128, repeats: 1, stride: 2 },
  { expansion: 2, channels: 128, repeats: 6, stride: 1 },
  { expansion: 4, channels: 128, repeats: 1, stride: 2 },
  { expansion: 2, channels: 128, repeats: 2, stride: 1 },
] as const;

interface BlockOptions {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
}

/** The embedding [n, embeddingSize] of images [n, 3, h, w] (published: 112 x 112 and 112 x 96). */
export function mobileFaceNet(net: NetworkBuilder, images: Value, options: MobileFaceNetOptions = {}): Value {
  const { embeddingSize, statisticsMomentum } = { ...published, ...options };
  const norm = (name: string, x: Value): Value => batchNorm(net, `${name}.norm`, x, { statisticsMomentum });
  const linear = (name: string, x: Value, block: BlockOptions): Value =>
    norm(name, convolution(net, `${name}.conv`, x, block));
  const active = (name: string, x: Value, block: BlockOptions): Value =>
    parametricRelu(net, `${name}.relu`, linear(name, x, block));

  let x = active('stem', images, { out: 64, kernel: 3, stride: 2, padding: 1 });
  x = active('stem_dw', x, { out: 64, kernel: 3, padding: 1, groups: 64 });
  bottlenecks.forEach(({ expansion, channels, repeats, stride }, stage) => {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const name = `stage${stage + 1}_${repeat + 1}`;
      const wide = expansion * x.shape[1];
      const shortcut = x;
      const depthwise = { out: wide, kernel: 3, stride: repeat === 0 ? stride : 1, padding: 1, groups: wide };
      let y = active(`${name}.expand`, x, { out: wide, kernel: 1 });
      y = active(`${name}.depthwise`, y, depthwise);
      y = linear(`${name}.project`, y, { out: channels, kernel: 1 });
      x = (repeat > 0 || stride === 1) && shortcut.shape[1] === channels ? add(shortcut, y) : y;
    }
  });
  x = active('head', x, { out: 512, kernel: 1 });
  // Global depthwise convolution: one weight per pixel and channel of the last map, which need not be square.
  x = norm('global', globalDepthwise(net, 'global.conv', x));
  return flatten(linear('embedding', x, { out: embeddingSize, kernel: 1 }));
}

function globalDepthwise(net: NetworkBuilder, name: string, x: Value): Value {
  const [, channels, height, width] = x.shape;
  const weight = net.parameter({
    name: `${name}.weight`,
    role: 'filters',
    shape: [channels, 1, height, width],
    filler: { type: 'xavier' },
  });
  return conv2d(x, weight, { groups: channels });
}
