// For tests: the starter embedder's model file, wherever it can be had, or the reason why not.
import { messageOf } from '../common/errors.js';
import { loadStarter } from '../models/index.js';

/** The file from the cache, or from the network. */
export async function testStarter(): Promise<{ readonly path?: string; readonly why: string }> {
  try {
    const { path } = await loadStarter();
    return { path, why: '' };
  } catch (error) {
    return { why: `skipped: no starter embedder: ${messageOf(error).split('\n')[0]}` };
  }
}
