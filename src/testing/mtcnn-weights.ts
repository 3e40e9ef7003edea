// For tests: the detector's published weights, wherever they can be had, or the reason why not; and random ones.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../common/errors.js';
import { Random } from '../common/random.js';
import { loadMtcnnWeights, type MtcnnWeights, templates } from '../faces/index.js';
import { networks, weightSlots } from '../faces/mtcnn/networks.js';

/** Beside the checkout, where developers keep data that is not the project's. */
export const sharedMtcnn = fileURLToPath(new URL('../../../shared/models/mtcnn/', import.meta.url));

/** The weights from beside the checkout, from the cache, or from the network. */
export async function testWeights(): Promise<{
  readonly weights?: MtcnnWeights;
  /** The folder they were read from. */
  readonly folder?: string;
  readonly why: string;
}> {
  try {
    const { weights, folder } = await loadMtcnnWeights(existsSync(sharedMtcnn) ? { models: sharedMtcnn } : {});
    return { weights, folder, why: '' };
  } catch (error) {
    return { why: `skipped: no MTCNN weights: ${messageOf(error).split('\n')[0]}` };
  }
}

/** Where the template's face has its landmarks in its box: five x, then five y, in box sizes. */
const points = [0, 1].flatMap((axis) => templates['112x112'].landmarks.map((point) => (point[axis] - 2) / 107));

/**
 * Weights of the right shapes, with last layers so weak that probabilities are near a half, boxes stay in place, and landmarks
 * lie about where an upright face has them.
 */
export function randomWeights(): MtcnnWeights {
  const random = new Random(11);
  const network = (name: keyof typeof networks) =>
    weightSlots(networks[name]).map(({ shape, layer, blob }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const spread = Math.sqrt(3 / (size / shape[0])) * (layer.includes('-') ? 0.02 : 1);
      const middle = layer === 'conv6-3' && blob === 1 ? points : [];
      return Float32Array.from({ length: size }, (_, i) => (middle[i] ?? 0) + random.between(-spread, spread));
    });
  return { pnet: network('pnet'), rnet: network('rnet'), onet: network('onet') };
}
