// A model tried before it is imported, on two pictures made up here: whether what it gives can be embeddings at all.
import { Random } from '../common/random.js';
import { ModelFileError } from '../graph/onnx/index.js';
import type { EmbedderOptions, PictureEmbedder } from './embedder.js';
import type { ImportedModel } from './import.js';
import { openModel } from './model.js';
import { randomPicture } from './random-picture.js';
import { oddConvention } from './odd-convention.js';

/**
 * How far embeddings of one picture may lie apart, relative to their length. Other kernels for other batches make 1e-6, the short
 * numbers of some GPUs 1e-3; a network in training mode is far beyond.
 */
const rounding = 1e-2;

/** Two pictures that differ everywhere and lie closer together than this are the same to a network. */
const sameEmbedding = 1e-5;

/**
 * Runs an imported model, and looks at its input convention.
 * @param name names it in errors
 * @returns what is odd, and what to do about it, a sentence each
 * @throws ModelFileError for embeddings that are no finite numbers.
 */
export async function tryImported(
  { model: bytes, input }: Pick<ImportedModel, 'model' | 'input'>,
  name: string,
  options: Pick<EmbedderOptions, 'device' | 'threads'> = {},
): Promise<readonly string[]> {
  const warnings: string[] = [];
  const onWarning = (text: string): void => void warnings.push(text);
  await using model = await openModel(bytes, { ...options, onWarning });
  warnings.push(...(await oddEmbeddings(model, name)));
  const convention = oddConvention(input);
  return convention === undefined ? warnings : [...warnings, convention];
}

/** What is odd about the embeddings of two different pictures, each alone, one of them again, and both together. */
async function oddEmbeddings(model: PictureEmbedder, name: string): Promise<string[]> {
  const random = new Random(1);
  const [a, b] = [randomPicture(model.input, random), randomPicture(model.input, random)];
  const [alone, again, other] = [await model.embed([a]), await model.embed([a]), await model.embed([b])];
  const both = await model.embed([a, b]);
  const together = [both.subarray(0, alone.length), both.subarray(alone.length)];
  requireFinite(name, alone, other, both);

  if ([alone, other].every((embedding) => length(embedding) === 0)) {
    return ['the network gives nothing but zeros: its weights are missing, or the output is not the embedding'];
  }
  const warnings: string[] = [];
  // Batch normalisation in training mode may do both.
  if (Math.max(distance(again, alone), distance(together[0], alone), distance(together[1], other)) > rounding) {
    warnings.push(
      'the embedding of a picture changes with those that are embedded beside it, or from run to run: the network may have been exported in training mode (batch normalisation, dropout); call model.eval() before torch.onnx.export, and import it again',
    );
  }
  if (distance(other, alone) < sameEmbedding) {
    warnings.push(
      'the network gives the same embedding for two different pictures: its input convention (mean, scale) or the chosen output is wrong, or its weights are',
    );
  }
  return warnings;
}

function requireFinite(name: string, ...embeddings: readonly Float32Array[]): void {
  const odd = embeddings.flatMap((embedding) => [...embedding].filter((value) => !Number.isFinite(value)));
  if (odd.length === 0) return;
  throw new ModelFileError(`${name} gives no usable embeddings.`, {
    got: `${odd[0]} among the values for a made-up picture`,
    expected: 'finite numbers',
    next: 'check the input convention (mean, scale) and the chosen output; else export or download the model again',
  });
}

/** |a − b| / |b|; infinite for two of which b is zero and a is not. */
function distance(a: Float32Array, b: Float32Array): number {
  const difference = length(a.map((value, i) => value - b[i]));
  return difference === 0 ? 0 : difference / length(b);
}

function length(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
