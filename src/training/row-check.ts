// Whether rows that were copied by name know the images of that name: labels and folder names such as `7` are other people elsewhere.
import { evenlySpread } from '../common/spread.js';
import { embedImages, openModel } from '../models/index.js';
import { modelOf } from './model-of.js';
import { classifierName } from './network.js';
import type { RowRange } from './row-range.js';
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
  const { dataset, recipe, rows, communicator } = trainer;
  const wanted = new Set(people);
  const theirs = dataset.labels.flatMap((label, index) => (wanted.has(dataset.identities[label]) ? [index] : []));
  const indices = evenlySpread(theirs.length, sampleSize).map((place) => theirs[place]);
  let sample: { readonly label: number }[] = [];
  let embeddings: Float32Array = new Float32Array();
  await using model = await openModel(await modelOf(trainer), { threads });
  // An image that cannot be used is reported when its turn comes.
  const options = { indices, fit: recipe.data.fit, batchSize: sampleSize };
  for await (const batch of embedImages(model, dataset.source, options)) {
    sample = batch.indices.map((index) => ({ label: dataset.labels[index] }));
    embeddings = batch.embeddings;
  }
  const matrix = (await trainer.state()).values.get(classifierName)!;
  const scores = scoresOf(embeddings, sample, matrix, rows);
  await communicator.allReduce(scores.nearest, 'max');
  await communicator.allReduce(scores.own, 'max');
  const recognised = sample.filter((_, i) => scores.own[i] >= scores.nearest[i]).length;
  const chance = 1 / rows.classes;
  const byChance = sample.length >= enough && atLeastByChance(recognised, sample.length, chance) > unremarkable;
  return { images: sample.length, recognised, byChance };
}

/** For each image, the largest cosine with a row that is here, and that with its own row; −∞ where there is none. */
function scoresOf(
  embeddings: Float32Array,
  sample: readonly { readonly label: number }[],
  matrix: Float32Array,
  rows: RowRange,
) {
  const size = matrix.length / rows.count;
  const nearest = new Float64Array(sample.length).fill(-Infinity);
  const own = nearest.slice();
  for (const [i, { label }] of sample.entries()) {
    for (let row = 0; row < rows.count; row++) {
      const cosine = cosineOf(embeddings.subarray(i * size, (i + 1) * size), matrix, row * size);
      nearest[i] = Math.max(nearest[i], cosine);
      if (row + rows.first === label) own[i] = cosine;
    }
  }
  return { nearest, own };
}

/** The cosine of an embedding with the row of a matrix that begins at `start`, times the embedding's length. */
function cosineOf(embedding: Float32Array, matrix: Float32Array, start: number): number {
  let [dot, squared] = [0, 0];
  for (let i = 0; i < embedding.length; i++) {
    const value = matrix[start + i];
    dot += value * embedding[i];
    squared += value * value;
  }
  return squared > 0 ? dot / Math.sqrt(squared) : -Infinity;
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
