// Classifier rows of people whom a start does not know: the direction of their images' mean embedding. The classifier then fits the
// network from the first step, where random rows would send it gradients that mean nothing (Qi et al., Low-Shot Learning with
// Imprinted Weights, CVPR 2018).
import { embedImages, openModel } from '../models/index.js';
import { dataOf } from '../models/safetensors.js';
import { modelOf } from './model-of.js';
import { classifierName, normaliseRows } from './network.js';
import type { Trainer } from './trainer.js';

/** Images of a person from which a row is made, at most; the mean moves little with more. */
const imagesEach = 8;
/** Images embedded in all, at most, as long as every person has one. */
const imagesInAll = 50_000;

export interface CentringOptions {
  readonly threads?: number;
  /** Images embedded so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes the rows of the people named. A row keeps its length, which margins without unit rows take from the fillers.
 * @returns the names of those whose row was written: not of people without an image that can be used.
 */
export async function centreRows(
  trainer: Trainer,
  people: readonly string[],
  { threads, onProgress }: CentringOptions = {},
): Promise<string[]> {
  const { dataset, store, recipe } = trainer;
  const size = recipe.network.embeddingSize;
  const wanted = new Set(people);
  const images = sample(trainer, wanted);
  const centres = new Map<number, Float32Array>();
  let done = 0;
  await using model = await openModel(modelOf(trainer), { ...(threads === undefined ? {} : { threads }) });
  for await (const batch of embedImages(model, dataset.source, { indices: images, fit: recipe.data.fit })) {
    // Directions, not embeddings, are averaged: a long embedding, of a sharp picture, says no more of who it is.
    normaliseRows(batch.embeddings, size);
    for (const [row, index] of batch.indices.entries()) {
      const label = dataset.labels[index];
      const centre = centres.get(label) ?? new Float32Array(size);
      addTo(centre, batch.embeddings.subarray(row * size, (row + 1) * size));
      centres.set(label, centre);
    }
    done += batch.indices.length + batch.failures.length;
    onProgress?.(done, images.length);
  }
  const values = dataOf(store.valueTensors());
  const rows = values.get(classifierName)!.slice();
  const written: string[] = [];
  for (const [label, centre] of centres) {
    const length = Math.hypot(...rows.subarray(label * size, (label + 1) * size));
    normaliseRows(centre, size);
    if (centre.every((value) => value === 0)) continue;
    for (let i = 0; i < size; i++) rows[label * size + i] = centre[i] * length;
    written.push(dataset.identities[label]);
  }
  store.setValues(values.set(classifierName, rows));
  return written;
}

/** Images of the people, of each the same number at even distances; fewer where there are very many people. */
function sample({ dataset }: Trainer, people: ReadonlySet<string>): number[] {
  const each = Math.min(imagesEach, Math.max(1, Math.floor(imagesInAll / people.size)));
  const byLabel = new Map<number, number[]>();
  for (const [index, label] of dataset.labels.entries()) {
    if (!people.has(dataset.identities[label])) continue;
    const indices = byLabel.get(label) ?? [];
    indices.push(index);
    byLabel.set(label, indices);
  }
  return [...byLabel.values()].flatMap((indices) => {
    const count = Math.min(each, indices.length);
    return Array.from({ length: count }, (_, i) => indices[Math.floor((i * indices.length) / count)]);
  });
}

function addTo(sum: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += addend[i];
}
