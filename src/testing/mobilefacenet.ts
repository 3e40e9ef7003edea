// The published MobileFaceNet that tests open where ../shared is at hand: the pictures that it takes, as its makers state them.
import type { InputSpec } from '../images/index.js';

export const mobileFaceNetInput: InputSpec = {
  width: 112,
  height: 112,
  channelOrder: 'RGB',
  mean: [123.675, 116.28, 103.53],
  scale: [58.395, 57.12, 57.375],
  alignment: { template: 'sphereface-112x112', solver: 'umeyama', version: 1 },
};
