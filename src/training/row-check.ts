// Whether rows that were copied by name know the images of that name: labels and folder names such as `7` are other people elsewhere.
import { embedImages, openModel } from '../models/index.js';
import { modelOf } from './model-of.js';
import { classifierName } from './network.js';
import type { Trainer } from './trainer.js';

/** How many images of the given people their rows recognised. */
export interface RowCheck {
  readonly images: number;
  /** Images whose own row was the nearest of all. */
  readonly recognised: number;
  /** Whether that many, or more, would often come by chance: the rows then know nothing of these people. */
  readonly byChance: boolean;
}

const sampleSize = 64;
/** With fewer images nothing is concluded. */
const enough = 16;
/** A result that chance reaches more often than this shows no knowledge. A useful classifier is far below it. */
const unremarkable = 0.05;

/** Embeds a sample of the people's images as the network stands, and looks for the nearest row of its classifier. */
export async function checkRows(trainer: Trainer, people: readonly string[], threads?: number): Promise<RowCheck> {
  const { dataset, recipe, store } = trainer;
  const wanted = new Set(people);
  const theirs = dataset.labels.flatMap((label, index) => (wanted.has(dataset.identities[label]) ? [index] : []));
  const count = Math.min(theirs.length, sampleSize);
  const indices = Array.from({ length: count }, (_, i) => theirs[Math.floor((i * theirs.length) / count)]);
  const rows = store.valueTensors().get(classifierName)!;
  const size = rows.shape[1];
  let [images, recognised] = [0, 0];
  await using model = await openModel(modelOf(trainer), { ...(threads === undefined ? {} : { threads }) });
  // An image that cannot be used is reported when its turn comes.
  for await (const batch of embedImages(model, dataset.source, { indices, fit: recipe.data.fit })) {
    for (const [row, index] of batch.indices.entries()) {
      images++;
      const nearest = nearestRow(batch.embeddings.subarray(row * size, (row + 1) * size), rows.data);
      if (nearest === dataset.labels[index]) recognised++;
    }
  }
  const byChance = images >= enough && atLeastByChance(recognised, images, 1 / rows.shape[0]) > unremarkable;
  return { images, recognised, byChance };
}

/** The row of a matrix [rows, embedding.length] with the largest cosine. */
function nearestRow(embedding: Float32Array, matrix: Float32Array): number {
  const size = embedding.length;
  let [best, highest] = [-1, -Infinity];
  for (let row = 0; row * size < matrix.length; row++) {
    let [dot, squared] = [0, 0];
    for (let i = 0; i < size; i++) {
      const value = matrix[row * size + i];
      dot += value * embedding[i];
      squared += value * value;
    }
    const cosine = squared > 0 ? dot / Math.sqrt(squared) : -Infinity;
    if (cosine > highest) [best, highest] = [row, cosine];
  }
  return best;
}

/** The probability of `hits` or more in `draws` draws that hit with probability `chance` (binomial). */
export function atLeastByChance(hits: number, draws: number, chance: number): number {
  let term = (1 - chance) ** draws;
  let below = 0;
  for (let k = 0; k < hits; k++) {
    below += term;
    term *= ((draws - k) / (k + 1)) * (chance / (1 - chance));
  }
  return 1 - below;
}
