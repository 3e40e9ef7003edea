// A model file made ready for others: in the number format they want, checked against the original.
import { Random } from '../common/random.js';
import { SphereFaceError } from '../common/errors.js';
import { parseModel, toFloat16Model } from '../graph/onnx/index.js';
import type { PictureEmbedder } from './embedder.js';
import { randomPicture } from './random-picture.js';

/** The number formats that a model can be exported in. */
export const exportTypes = ['float32', 'float16'] as const;

export type ExportType = (typeof exportTypes)[number];

/** The bytes of a model in a number format. */
export function exportModel(model: Uint8Array, dtype: ExportType, path: string): Uint8Array {
  refuseInternalOperators(model, path);
  switch (dtype) {
    case 'float32':
      return model;
    case 'float16':
      return toFloat16Model(model, path);
  }
}

/** The operator sets a model needs beside ONNX's own: none, if every runtime is to run it. */
export function foreignDomains(model: Uint8Array, path: string): readonly string[] {
  const { graph, opsetImport } = parseModel(model, path);
  const domains = [...graph.node, ...opsetImport].map(({ domain }) => domain);
  return [...new Set(domains)].filter((domain) => domain !== '' && domain !== 'ai.onnx');
}

function refuseInternalOperators(model: Uint8Array, path: string): void {
  const domains = foreignDomains(model, path);
  if (domains.length === 0) return;
  throw new SphereFaceError(`${path} uses operators that only some runtimes have.`, {
    got: `operators of ${domains.join(', ')}`,
    expected: "ONNX's own operators",
    next: 'export the model.onnx of a run, which has only those',
  });
}

/** The smallest cosine similarity that an exported model may have with its original. */
export const requiredCosine = 0.9999;

/** The smallest cosine similarity between the embeddings of two models, over random pictures. */
export async function smallestCosine(a: PictureEmbedder, b: PictureEmbedder, pictures = 16): Promise<number> {
  const random = new Random(1);
  const samples = Array.from({ length: pictures }, () => randomPicture(a.input, random));
  const [left, right] = [await a.embed(samples), await b.embed(samples)];
  let smallest = 1;
  for (let row = 0; row < pictures; row++) {
    let [dot, aa, bb] = [0, 0, 0];
    for (let i = row * a.embeddingSize; i < (row + 1) * a.embeddingSize; i++) {
      dot += left[i] * right[i];
      aa += left[i] ** 2;
      bb += right[i] ** 2;
    }
    // NaN, from an overflow in one of them, must not pass for a good value.
    const cosine = dot / Math.sqrt(aa * bb);
    smallest = Number.isNaN(cosine) ? -1 : Math.min(smallest, cosine);
  }
  return smallest;
}
