// A model file made ready for others: in the number format they want, checked against the original.
import { Random } from '../common/random.js';
import { SphereFaceError } from '../common/errors.js';
import type { Picture } from '../images/source.js';
import { parseModel, toFloat16Model } from '../graph/onnx/index.js';
import type { InputSpec } from '../images/input.js';
import type { PictureEmbedder } from './embedder.js';

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

/**
 * The smallest cosine similarity between the embeddings of two models, over random pictures.
 * The pictures are smooth, like faces: noise of a few coarse scales.
 */
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

/** A sum of bilinear noise on grids of 4, 8 and 16 cells. */
function randomPicture({ width, height }: InputSpec, random: Random): Picture {
  const data = new Uint8Array(width * height * 3);
  const grids = [4, 8, 16].map((cells) => ({
    cells,
    values: Float32Array.from({ length: (cells + 1) ** 2 * 3 }, () => random.uniform() - 0.5),
  }));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0.5;
        for (const { cells, values } of grids) {
          const [u, v] = [(x / width) * cells, (y / height) * cells];
          const [i, j] = [Math.floor(u), Math.floor(v)];
          const at = (di: number, dj: number): number => values[((j + dj) * (cells + 1) + i + di) * 3 + channel];
          const upper = at(0, 0) * (i + 1 - u) + at(1, 0) * (u - i);
          const lower = at(0, 1) * (i + 1 - u) + at(1, 1) * (u - i);
          sum += (upper * (j + 1 - v) + lower * (v - j)) * Math.sqrt(4 / cells);
        }
        data[(y * width + x) * 3 + channel] = Math.max(0, Math.min(255, Math.round(sum * 255)));
      }
    }
  }
  return { width, height, data };
}
