// Model files read into memory and written.
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../common/errors.js';
import { exists } from '../common/exists.js';
import { writeFileAtomic } from '../common/atomic.js';
import { ModelFileError, withoutMetadataProps } from '../graph/onnx/index.js';

/** The most bytes a protobuf file, and so an ONNX file without external data, can have. */
export const maxModelBytes = 2 ** 31 - 1;

/** Reads a model file into memory. */
export async function readModelFile(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw new ModelFileError(`The model ${path} cannot be opened.`, {
      got: messageOf(error),
      next: 'check the path; a model is an .onnx file, for instance RUN/model.onnx',
      cause: error,
    });
  });
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw await folderGiven(path);
    const { size } = found;
    if (size > maxModelBytes) {
      throw new ModelFileError(`The model ${path} is too large for an ONNX file.`, { got: `${size} bytes` });
    }
    return await readFile(handle);
  } finally {
    await handle.close();
  }
}

/** The error for a folder in place of a model: it may be a run, whose model is a file in it. */
async function folderGiven(path: string): Promise<ModelFileError> {
  const inside = join(path, 'model.onnx');
  let next = 'give the path of the file';
  if (await exists(inside)) next = `give ${inside}`;
  else if (await exists(join(path, 'recipe.json'))) {
    next = `finish the run first, which writes it: sphereface train --resume ${path}`;
  }
  return new ModelFileError(`${path} is a folder, not a model.`, {
    expected: 'a model file (.onnx), for instance the model.onnx of a finished run',
    next,
  });
}

/** Writes a model file, whole or not at all. */
export async function writeModel(path: string, model: Uint8Array): Promise<void> {
  await writeFileAtomic(path, model);
}

/** SHA-256 of all that computes: every byte but `metadata_props`, so that a calibration does not make it another network. */
export function networkDigest(model: Uint8Array, source: string): string {
  const hash = createHash('sha256');
  for (const part of withoutMetadataProps(model, source)) hash.update(part);
  return hash.digest('hex');
}
