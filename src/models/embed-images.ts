// Embedding a whole image source: decoding runs ahead of the network, unreadable images are reported and left out.
import { lineOf } from '../common/errors.js';
import { type CropFit, CropSizeError, decodeCrop } from '../images/decode.js';
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
  /** What becomes of crops narrower than the model takes; refused by default. */
  readonly fit?: CropFit;
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

/** A set none of whose first images has the model's size was aligned for something else: no use in reading the rest. */
const enoughWrongSizes = 1000;

/**
 * Embeds aligned crops batch by batch, in the order of `indices`. An image that cannot be read, has another size than the
 * model takes, or gives values that are no numbers is a failure of its own and left out.
 * @throws CropSizeError if the first thousand images, or all of fewer, have another size than the model takes
 */
export async function* embedImages(
  model: Model,
  source: ImageSource,
  options: EmbedImagesOptions = {},
): AsyncGenerator<EmbeddedBatch> {
  const { flip = false, batchSize = 32, indices = [...source.entries.keys()], fit } = options;
  let wrongSizes = 0;
  let ahead = decodeBatch(model, source, indices.slice(0, batchSize), fit);
  for (let start = 0; start < indices.length; start += batchSize) {
    const { decoded, failures, wrongSize } = await ahead;
    const next = start + batchSize;
    if (wrongSizes === start && wrongSize.length > 0) {
      wrongSizes += wrongSize.length;
      const all = wrongSizes === Math.min(next, indices.length);
      if (all && (wrongSizes >= enoughWrongSizes || next >= indices.length)) throw wrongSize[0];
    }
    ahead = decodeBatch(model, source, indices.slice(next, next + batchSize), fit);
    const pictures = decoded.map(({ picture }) => picture);
    const rows = await model.embed(pictures, { flip, batchSize });
    yield withoutUnusable(
      source,
      decoded.map(({ index }) => index),
      rows,
      failures,
    );
  }
}

interface DecodedBatch {
  readonly decoded: readonly { readonly index: number; readonly picture: Picture }[];
  readonly failures: readonly EmbedFailure[];
  /** The failures that are for the size. */
  readonly wrongSize: readonly CropSizeError[];
}

/** Never rejects: whatever is wrong with an image is that image's failure. */
async function decodeBatch(
  model: Model,
  source: ImageSource,
  indices: readonly number[],
  fit: CropFit | undefined,
): Promise<DecodedBatch> {
  const failures: EmbedFailure[] = [];
  const wrongSize: CropSizeError[] = [];
  const decoded = await Promise.all(
    indices.map(async (index) => {
      try {
        return [{ index, picture: await decodeCrop(await source.read(index), model.input, fit) }];
      } catch (error) {
        if (error instanceof CropSizeError) wrongSize.push(error);
        failures.push({ file: nameOf(source, index), error: lineOf(error) });
        return [];
      }
    }),
  );
  return { decoded: decoded.flat(), failures, wrongSize };
}

/** Leaves out rows that hold something that is no number: no similarity could be told from them. */
function withoutUnusable(
  source: ImageSource,
  indices: readonly number[],
  rows: Float32Array,
  failures: readonly EmbedFailure[],
): EmbeddedBatch {
  const width = rows.length / indices.length;
  const row = (i: number): Float32Array => rows.subarray(i * width, (i + 1) * width);
  const usable = [...indices.keys()].filter((i) => row(i).every(Number.isFinite));
  if (usable.length === indices.length) return { indices, embeddings: rows, failures };
  const embeddings = new Float32Array(usable.length * width);
  for (const [place, i] of usable.entries()) embeddings.set(row(i), place * width);
  const unusable = indices.filter((_, i) => !usable.includes(i));
  const error = 'the network gives values for it that are no finite numbers';
  return {
    indices: usable.map((i) => indices[i]),
    embeddings,
    failures: [...failures, ...unusable.map((index) => ({ file: nameOf(source, index), error }))],
  };
}

function nameOf(source: ImageSource, index: number): string {
  return source.entries[index]?.file ?? String(index);
}
