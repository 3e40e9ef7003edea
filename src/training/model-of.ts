// What a trainer's network is outside of training: the model file, and beside it the classifier.
import { writeFileAtomic } from '../common/atomic.js';
import type { Communicator } from '../distributed/index.js';
import { bytesOf, encodeMetadata, safetensorsHeader, statementsOf, type Weights } from '../models/index.js';
import { dataOf } from '../models/safetensors.js';
import { type ParameterValues, withPresentNames } from '../nn/index.js';
import { componentsOf, type Extensions } from './extensions.js';
import { classifierName, embeddingModel, isOfClassifier } from './network.js';
import type { Recipe } from './recipe.js';
import type { RowRange } from './row-range.js';
import type { Trainer } from './trainer.js';

/** The embedding network with the trained parameters and the metadata that every reader obeys. */
export async function modelOf(trainer: Trainer): Promise<Uint8Array> {
  const { recipe, extensions } = trainer;
  return modelWith(recipe, dataOf((await trainer.state()).valueTensors()), extensions);
}

/** The model file of a run's recipe with the weights that one of its snapshots or checkpoints has. */
export function modelOfWeights(recipe: Recipe, { parameters }: Weights, extensions?: Extensions): Uint8Array {
  const { backbone } = componentsOf(recipe, extensions);
  return modelWith(recipe, withPresentNames(dataOf(parameters), backbone), extensions);
}

function modelWith(recipe: Recipe, values: ParameterValues, extensions?: Extensions): Uint8Array {
  const metadata = { input: recipe.input, embeddingSize: recipe.network.embeddingSize, recipe: JSON.stringify(recipe) };
  return embeddingModel(recipe, values, encodeMetadata(metadata), extensions);
}

/**
 * Writes the classifier of the model, its rows with their identities' names: what a fine-tune of the model starts from. Every process calls
 * it, and rank 0 writes, what is divided block by block.
 * @param weights of the trainer or of one of its checkpoints
 */
export async function writeClassifier(trainer: Trainer, weights: Weights, path: string): Promise<void> {
  const parts = classifierParts(trainer, weights);
  if (trainer.communicator.rank === 0) return writeFileAtomic(path, parts);
  // The others' part is to hand over their rows.
  while ((await parts.next()).done !== true);
}

/** The parts of the classifier's file, in the order of the names in it. */
async function* classifierParts(
  { recipe, dataset, specs, rows, communicator }: Trainer,
  { parameters }: Weights,
): AsyncGenerator<Uint8Array> {
  const { identities } = dataset;
  const own = specs.filter(isOfClassifier).sort((a, b) => (a.name < b.name ? -1 : 1));
  const shapes = own.map(
    ({ name, shape }) => [name, name === classifierName ? [rows.classes, shape[1]] : shape] as const,
  );
  yield safetensorsHeader(new Map(shapes), statementsOf({ identities, input: recipe.input }));
  for (const { name } of own) {
    const values = parameters.get(name)!.data;
    if (name !== classifierName || !rows.divided) yield bytesOf(values);
    else
      for await (const block of rowBlocks(values, rows, recipe.network.embeddingSize, communicator))
        yield bytesOf(block);
  }
}

/** Rows that are handed over at once. */
const handedOver = 2 ** 14;

/** All rows of a divided classifier, block by block, in every process. Each block is valid until the next one is asked for. */
async function* rowBlocks(
  own: Float32Array,
  { counts }: RowRange,
  size: number,
  communicator: Communicator,
): AsyncGenerator<Float32Array> {
  for (const [root, count] of counts.entries()) {
    for (let start = 0; start < count; start += handedOver) {
      const [from, end] = [start * size, Math.min(start + handedOver, count) * size];
      const block = root === communicator.rank ? own.slice(from, end) : new Float32Array(end - from);
      await communicator.broadcast(block, root);
      yield block;
    }
  }
}
