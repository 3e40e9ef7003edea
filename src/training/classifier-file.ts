// The classifier of a run beside its model file, written by all processes together.
import { isOfClassifier } from '../nn/index.js';
import { writeFileAtomic } from '../common/atomic.js';
import type { Communicator } from '../distributed/index.js';
import { bytesOf, safetensorsHeader, statementsOf, type Weights } from '../models/index.js';
import { classifierName } from './network.js';
import type { RowRange } from './row-range.js';
import type { Trainer } from './trainer.js';

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
