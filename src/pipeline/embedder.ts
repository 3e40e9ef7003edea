// A model as evaluation wants it: something that embeds chosen images of a source.
import type { Embedder } from '../evaluation/index.js';
import type { ImageSource } from '../images/index.js';
import { embedImages, type Model } from '../models/index.js';

/** Embeds chosen images of a source, and says how far it is. */
export function embedderOf(
  model: Model,
  source: ImageSource,
  options: { readonly flip: boolean; readonly batchSize: number },
  onProgress?: (done: number, total: number) => void,
): Embedder {
  return async function* (indices) {
    let done = 0;
    onProgress?.(0, indices.length);
    for await (const rows of embedImages(model, source, { ...options, indices })) {
      done += rows.indices.length + rows.failures.length;
      onProgress?.(done, indices.length);
      yield rows;
    }
  };
}
