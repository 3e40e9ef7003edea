// Embedding a source on several ranks: each takes its turn of the batches, and they come back in the order of one process.
import { type Communicator, gatherValues } from '../distributed/index.js';
import type { ImageSource } from '../images/index.js';
import { type EmbeddedBatch, embedImages, type EmbedImagesOptions, type Model } from '../models/index.js';

const nothing: EmbeddedBatch = { indices: [], embeddings: new Float32Array(0), failures: [] };

/**
 * Embeds a source as {@link embedImages} does. Every rank goes through the batches to their end, and gets all of them.
 * @throws what `embedImages` throws, on the rank that it happens to.
 */
export async function* embedOnRanks(
  communicator: Communicator,
  model: Model,
  source: ImageSource,
  options: EmbedImagesOptions = {},
): AsyncGenerator<EmbeddedBatch> {
  const { rank, size } = communicator;
  const { batchSize = 32, indices = [...source.entries.keys()] } = options;
  if (size === 1) return yield* embedImages(model, source, options);
  const width = model.embeddingSize * (options.flip === true ? 2 : 1);
  const own = indices.filter((_, place) => Math.floor(place / batchSize) % size === rank);
  const batches = embedImages(model, source, { ...options, indices: own });
  for (let start = 0; start < indices.length; start += size * batchSize) {
    const { value } = await batches.next();
    const batch = (value as EmbeddedBatch | undefined) ?? nothing;
    const accounts = await gatherValues(communicator, { indices: batch.indices, failures: batch.failures });
    const lengths = accounts.map((account) => account.indices.length * width);
    const rows = await communicator.allGather(batch.embeddings, lengths);
    let end = 0;
    for (const [other, account] of accounts.entries()) {
      end += lengths[other];
      yield { ...account, embeddings: rows.subarray(end - lengths[other], end) };
    }
  }
}
