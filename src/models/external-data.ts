// A model whose weights lie in files beside it, as one whole: what is read is bounded, and lies in the model's own folder.
import { open, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { messageOf } from '../common/errors.js';
import { ModelFileError, type TensorProto, withTensorData } from '../graph/onnx/index.js';
import { maxModelBytes, readModelFile } from './model-file.js';

/**
 * Reads a model file together with what it keeps in other files, as the bytes of a model in one file.
 * @throws ModelFileError where such a file is not in the model's folder, is shorter than the model says, or makes the whole too large.
 */
export async function readWholeModel(path: string): Promise<Uint8Array> {
  const model = await readModelFile(path);
  let left = maxModelBytes - model.length;
  return withTensorData(model, path, async (tensor) => {
    const place = placeOf(tensor, path);
    if (place.length !== undefined && place.length > left) throw tooLarge(path, tensor);
    const data = await readBeside(path, tensor, place, left);
    left -= data.length;
    return data;
  });
}

/** Where a tensor's data lies. */
interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

function placeOf(tensor: TensorProto, path: string): Place {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const whole = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw new ModelFileError(`${path} does not say where the data of the tensor ${tensor.name} lies.`, {
      got: `${key} ${text}`,
      expected: 'a whole number of bytes',
    });
  };
  return { location: entries.get('location') ?? '', offset: whole('offset') ?? 0, length: whole('length') };
}

async function readBeside(path: string, { name }: TensorProto, place: Place, limit: number): Promise<Uint8Array> {
  const { location, offset } = place;
  const elsewhere = (got: string): ModelFileError =>
    new ModelFileError(`${path} keeps the data of the tensor ${name} in a file that is not read.`, {
      got,
      expected: 'a file in the folder of the model',
      next: 'put it beside the model, under the name that the model gives it; or save the model in one file, for instance with onnx.save(model, path) in Python',
    });
  // A plain name: no other folder, no drive, no stream of Windows.
  if (location === '' || location === '.' || location === '..' || /[\\/:\0]/.test(location)) {
    throw elsewhere(`location ${JSON.stringify(location)}`);
  }
  const folder = await realpath(dirname(path));
  const file = await realpath(join(folder, location)).catch((error: unknown) => {
    throw elsewhere(messageOf(error));
  });
  // A link could lead out of the folder.
  if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) throw elsewhere(`${location}, a link to ${file}`);
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const length = place.length ?? size - offset;
    if (length < 0 || offset + length > size) {
      throw new ModelFileError(`${location} does not hold the data of the tensor ${name} of ${path}.`, {
        got: `${size} bytes`,
        expected: `at least ${offset + Math.max(length, 0)}`,
        next: 'copy the model again together with all files that belong to it',
      });
    }
    if (length > limit) throw tooLarge(path, { name });
    const data = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(data, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw elsewhere(`${location}, which ends at ${offset + filled} bytes`);
      filled += bytesRead;
    }
    return data;
  } finally {
    await handle.close();
  }
}

function tooLarge(path: string, { name }: Pick<TensorProto, 'name'>): ModelFileError {
  return new ModelFileError(`${path} is too large to be a model in one file.`, {
    got: `more than ${maxModelBytes} bytes with the tensor ${name}`,
  });
}
