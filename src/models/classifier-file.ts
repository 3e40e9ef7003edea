// The classifier beside a model file: what a fine-tune of the model starts from.
import { readFile, rm } from 'node:fs/promises';
import { writeFileAtomic } from '../common/atomic.js';
import { decodeWeights, type Weights } from './weights.js';

/** The file with the classifier of a model file: `model.classifier.safetensors` beside `model.onnx`. */
export function classifierPath(model: string): string {
  return `${model.replace(/\.onnx$/i, '')}.classifier.safetensors`;
}

/** Reads the classifier of a model file; `undefined` where it has none. */
export async function readClassifier(model: string): Promise<Weights | undefined> {
  const path = classifierPath(model);
  const bytes = await bytesOf(path);
  return bytes === undefined ? undefined : decodeWeights(bytes, path);
}

/**
 * Gives a copy of a model the classifier of the original, so that a fine-tune can start from it.
 * @returns whether the original has one; where it has none, the copy keeps none of an earlier file's.
 */
export async function copyClassifier(model: string, copy: string): Promise<boolean> {
  const bytes = await bytesOf(classifierPath(model));
  if (bytes === undefined) await rm(classifierPath(copy), { force: true });
  else await writeFileAtomic(classifierPath(copy), bytes);
  return bytes !== undefined;
}

async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
