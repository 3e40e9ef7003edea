// Embedding a whole image source: decoding runs ahead of the network, unreadable images are reported and left out.
import { messageOf } from '../common/errors.js';
import { CropSizeError, decodeCrop } from '../images/decode.js';
import type { ImageSource, Picture } from '../images/source.js';
import type { Model } from './model.js';

/** How to embed a source. */
export interface EmbedImagesOptions {
  /** Concatenate the embedding of the mirrored picture (the published protocol); off by default. */
  readonly flip?: boolean;
  /** Images per run of the network; 32 by default. */
  readonly batchSize?: number;
  /** Which entries, in which order; all of them by default. */
  readonly indices?: readonly number[];
}

/** An image that gave no embedding, and why. */
export interface EmbedFailure {
  readonly file: string;
  readonly error: string;
}

/** Some embedded images. */
export interface EmbeddedBatch {
  /** The entries that were embedded; row k of `embeddings` belongs to `indices[k]`. */
  readonly indices: readonly number[];
  /** float32 [indices.length, width], where width is the model's embedding size, doubled with `flip`. */
  readonly embeddings: Float32Array;
  readonly failures: readonly EmbedFailure[];
}

/**
 * Embeds aligned crops batch by batch, in the order of `indices`.
 * @throws CropSizeError for the first crop of another size than the model takes: the set was aligned for something else.
 */
export async function* embedImages(
  model: Model,
  source: ImageSource,
  options: EmbedImagesOptions = {},
): AsyncGenerator<EmbeddedBatch> {
  const { flip = false, batchSize = 32, indices = [...source.entries.keys()] } = options;
  let ahead = decodeBatch(model, source, indices.slice(0, batchSize));
  for (let start = 0; start < indices.length; start += batchSize) {
    const { decoded, failures } = await ahead;
    ahead = decodeBatch(model, source, indices.slice(start + batchSize, start + 2 * batchSize));
    // Failures of the batch ahead are met when it is awaited; until then they must not count as unhandled.
    ahead.catch(() => undefined);
    const pictures = decoded.map(({ picture }) => picture);
    const embeddings = await model.embed(pictures, { flip, batchSize });
    yield { indices: decoded.map(({ index }) => index), embeddings, failures };
  }
}

interface DecodedBatch {
  readonly decoded: readonly { readonly index: number; readonly picture: Picture }[];
  readonly failures: readonly EmbedFailure[];
}

async function decodeBatch(model: Model, source: ImageSource, indices: readonly number[]): Promise<DecodedBatch> {
  const failures: EmbedFailure[] = [];
  const decoded = await Promise.all(
    indices.map(async (index) => {
      try {
        return [{ index, picture: await decodeCrop(await source.read(index), model.input) }];
      } catch (error) {
        if (error instanceof CropSizeError) throw error;
        failures.push({ file: source.entries[index]?.file ?? String(index), error: messageOf(error) });
        return [];
      }
    }),
  );
  return { decoded: decoded.flat(), failures };
}
