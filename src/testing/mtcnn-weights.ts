// For tests: the detector's published weights, wherever they can be had, or the reason why not.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../common/errors.js';
import type { MtcnnWeights } from '../faces/index.js';
import { loadMtcnnWeights } from '../faces/mtcnn/weights.js';

/** Beside the checkout, where developers keep data that is not the project's. */
export const sharedMtcnn = fileURLToPath(new URL('../../../shared/models/mtcnn/', import.meta.url));

/** The weights from beside the checkout, from the cache, or from the network. */
export async function testWeights(): Promise<{ readonly weights?: MtcnnWeights; readonly why: string }> {
  try {
    const { weights } = await loadMtcnnWeights(existsSync(sharedMtcnn) ? { folder: sharedMtcnn } : {});
    return { weights, why: '' };
  } catch (error) {
    return { why: `skipped: no MTCNN weights: ${messageOf(error).split('\n')[0]}` };
  }
}
