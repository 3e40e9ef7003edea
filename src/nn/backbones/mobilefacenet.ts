// MobileFaceNet (Chen et al., CCBR 2018, table 1): inverted residuals and a global depthwise convolution in place of pooling.
import { add, conv2d, flatten, type Value } from '../../graph/index.js';
import { batchNorm, convolution, parametricRelu } from '../layers.js';
import type { NetworkBuilder } from '../parameters.js';

export interface MobileFaceNetOptions {
  /** Size of the embedding; published: 128. */
  readonly embeddingSize?: number;
}

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

function block(
  net: NetworkBuilder,
  name: string,
  x: Value,
  options: BlockOptions,
  activation: 'prelu' | 'linear',
): Value {
  const y = batchNorm(net, `${name}.norm`, convolution(net, `${name}.conv`, x, options));
  switch (activation) {
    case 'linear':
      return y;
    case 'prelu':
      return parametricRelu(net, `${name}.relu`, y);
    default:
      return activation satisfies never;
  }
}

/** The embedding [n, embeddingSize] of images [n, 3, h, w] (published: 112 x 112 and 112 x 96). */
export function mobileFaceNet(
  net: NetworkBuilder,
  images: Value,
  { embeddingSize = 128 }: MobileFaceNetOptions = {},
): Value {
  let x = block(net, 'stem', images, { out: 64, kernel: 3, stride: 2, padding: 1 }, 'prelu');
  x = block(net, 'stem_dw', x, { out: 64, kernel: 3, padding: 1, groups: 64 }, 'prelu');
  bottlenecks.forEach(({ expansion, channels, repeats, stride }, stage) => {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const name = `stage${stage + 1}_${repeat + 1}`;
      const wide = expansion * x.shape[1];
      const shortcut = x;
      let y = block(net, `${name}.expand`, x, { out: wide, kernel: 1 }, 'prelu');
      y = block(
        net,
        `${name}.depthwise`,
        y,
        { out: wide, kernel: 3, stride: repeat === 0 ? stride : 1, padding: 1, groups: wide },
        'prelu',
      );
      y = block(net, `${name}.project`, y, { out: channels, kernel: 1 }, 'linear');
      x = (repeat > 0 || stride === 1) && shortcut.shape[1] === channels ? add(shortcut, y) : y;
    }
  });
  x = block(net, 'head', x, { out: 512, kernel: 1 }, 'prelu');
  // Global depthwise convolution: one weight per pixel and channel of the last map, which need not be square.
  x = globalDepthwise(net, 'global', x);
  return flatten(block(net, 'embedding', x, { out: embeddingSize, kernel: 1 }, 'linear'));
}

function globalDepthwise(net: NetworkBuilder, name: string, x: Value): Value {
  const [, channels, height, width] = x.shape;
  const weight = net.parameter({
    name: `${name}.conv.weight`,
    shape: [channels, 1, height, width],
    filler: { type: 'xavier' },
  });
  return batchNorm(net, `${name}.norm`, conv2d(x, weight, { groups: channels }));
}
