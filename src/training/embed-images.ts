// Embeddings of images of a trainer's data, as its network stands: what a start knows of the people before the first step.
import { decodeCrop } from '../images/decode.js';
import { InputPacker, type PackedPicture } from '../images/packer.js';
import { float32, float32Data, Session } from '../runtime/index.js';
import { modelOf } from './model-of.js';
import type { Trainer } from './trainer.js';

/** An image's embedding, and the class that it belongs to. */
export interface LabelledEmbedding {
  readonly label: number;
  readonly embedding: Float32Array;
}

const batchSize = 32;

/**
 * Embeds images of the trainer's data, each as it is, in the order given. One that cannot be used is left out: it is reported when its
 * turn comes in training.
 * @param indices of images of the data set.
 */
export async function* embedImages(
  trainer: Trainer,
  indices: readonly number[],
  threads?: number,
): AsyncGenerator<LabelledEmbedding> {
  const { dataset, recipe } = trainer;
  const { width, height } = recipe.input;
  const packer = new InputPacker(recipe.input);
  const pixels = new Float32Array(batchSize * packer.stride);
  const read = async (index: number): Promise<{ label: number; packed: PackedPicture } | undefined> => {
    const bytes = await dataset.source.read(index).catch(() => undefined);
    const picture = bytes && (await decodeCrop(bytes, recipe.input, recipe.data.fit).catch(() => undefined));
    return picture && { label: dataset.labels[index], packed: { picture, mirrored: false } };
  };
  await using session = await Session.create(modelOf(trainer), { threads });
  for (let start = 0; start < indices.length; start += batchSize) {
    const found = await Promise.all(indices.slice(start, start + batchSize).map(read));
    const images = found.filter((image) => image !== undefined);
    if (images.length === 0) continue;
    const used = pixels.subarray(0, images.length * packer.stride);
    packer.pack(
      images.map(({ packed }) => packed),
      used,
    );
    const { embedding } = await session.run({ images: float32(used, [images.length, 3, height, width]) });
    const data = float32Data(embedding);
    const size = data.length / images.length;
    for (const [i, { label }] of images.entries()) yield { label, embedding: data.slice(i * size, (i + 1) * size) };
  }
}
