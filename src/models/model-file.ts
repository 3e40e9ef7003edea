// Model files read into memory and written.
import { open, readFile } from 'node:fs/promises';
import { messageOf } from '../common/errors.js';
import { writeFileAtomic } from '../common/atomic.js';
import { ModelFileError } from '../graph/onnx/index.js';

/** The most bytes a protobuf file, and so an ONNX file without external data, can have. */
const maxModelBytes = 2 ** 31 - 1;

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
    const { size } = await handle.stat();
    if (size > maxModelBytes) {
      throw new ModelFileError(`The model ${path} is too large for an ONNX file.`, { got: `${size} bytes` });
    }
    return await readFile(handle);
  } finally {
    await handle.close();
  }
}

/** Writes a model file, whole or not at all. */
export async function writeModel(path: string, model: Uint8Array): Promise<void> {
  await writeFileAtomic(path, model);
}
