// Classifier rows of people whom a start does not know: the direction of their images' mean embedding. The classifier then fits the
// network from the first step, where random rows would send it gradients that mean nothing (Qi et al., Low-Shot Learning with
// Imprinted Weights, CVPR 2018).
import { evenlySpread } from '../common/spread.js';
import { gatherValues, together } from '../distributed/index.js';
import { embedImages, openModel } from '../models/index.js';
import { dataOf } from '../models/safetensors.js';
import { modelOf } from './model-of.js';
import { classifierName, normaliseRows } from './network.js';
import type { Trainer } from './trainer.js';
import { addScaled } from './vectors.js';

/** Images of a person from which a row is made, at most; the mean moves little with more. */
const imagesEach = 5;
/** Images embedded in all, at most, as long as every person has one. */
const imagesInAll = 50_000;

export interface CentringOptions {
  readonly threads?: number;
  /** Images embedded so far, of how many, by this process. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes the rows of the people named. A row keeps its length, which margins without unit rows take from the fillers. Every rank calls it:
 * the people are divided among them, by their rows where those are.
 * @returns the names of those whose row was written: not of people without an image that can be used.
 */
export async function centreRows(
  trainer: Trainer,
  people: readonly string[],
  options: CentringOptions = {},
): Promise<string[]> {
  const { dataset, recipe, rows, communicator } = trainer;
  const size = recipe.network.embeddingSize;
  const isHere = rows.divided
    ? (label: number) => rows.holds(label)
    : (label: number) => label % communicator.size === communicator.rank;
  const centres = await together(communicator, () => centresOf(trainer, new Set(people), isHere, options));
  // Without divided rows every rank gets the centres of all, from the one that has computed each.
  if (!rows.divided) await communicator.allReduce(centres);
  normaliseRows(centres, size);
  const values = dataOf((await trainer.state()).valueTensors());
  const own = values.get(classifierName)!.slice();
  const written: string[] = [];
  for (let row = 0; row < rows.count; row++) {
    const centre = centres.subarray(row * size, (row + 1) * size);
    if (centre.every((value) => value === 0)) continue;
    const target = own.subarray(row * size, (row + 1) * size);
    const length = Math.hypot(...target);
    for (let i = 0; i < size; i++) target[i] = centre[i] * length;
    written.push(dataset.identities[rows.first + row]);
  }
  await trainer.changeState((store) => store.setValues(values.set(classifierName, own)));
  return rows.divided ? (await gatherValues(communicator, written)).flat() : written;
}

/** Sums of the directions of people's embeddings, a row for each row of the classifier that is here. */
async function centresOf(
  trainer: Trainer,
  people: ReadonlySet<string>,
  isHere: (label: number) => boolean,
  { threads, onProgress }: CentringOptions,
): Promise<Float32Array> {
  const { dataset, recipe, rows } = trainer;
  const size = recipe.network.embeddingSize;
  const images = sample(trainer, people, isHere);
  const centres = new Float32Array(rows.count * size);
  let done = 0;
  await using model = await openModel(await modelOf(trainer), { threads });
  for await (const batch of embedImages(model, dataset.source, { indices: images, fit: recipe.data.fit })) {
    // Directions, not embeddings, are averaged: a long embedding, of a sharp picture, says no more of who it is.
    normaliseRows(batch.embeddings, size);
    for (const [place, index] of batch.indices.entries()) {
      const start = (dataset.labels[index] - rows.first) * size;
      addScaled(centres.subarray(start, start + size), batch.embeddings.subarray(place * size, (place + 1) * size));
    }
    done += batch.indices.length + batch.failures.length;
    onProgress?.(done, images.length);
  }
  return centres;
}

/** Images of the people, of each the same number at even distances; fewer where there are very many people. */
function sample({ dataset }: Trainer, people: ReadonlySet<string>, isHere: (label: number) => boolean): number[] {
  const each = Math.min(imagesEach, Math.max(1, Math.floor(imagesInAll / people.size)));
  const byLabel = new Map<number, number[]>();
  for (const [index, label] of dataset.labels.entries()) {
    if (!isHere(label) || !people.has(dataset.identities[label])) continue;
    const indices = byLabel.get(label) ?? [];
    indices.push(index);
    byLabel.set(label, indices);
  }
  return [...byLabel.values()].flatMap((indices) => evenlySpread(indices.length, each).map((place) => indices[place]));
}
