// Reading files of embeddings: what `sphereface embed` wrote, or NumPy (.npz, .npy).
import { readFile, stat } from 'node:fs/promises';
import { type FileEntry, Uint8ArrayReader, ZipReader } from '@zip.js/zip.js';
import { SphereFaceError, UsageError, messageOf } from '../../common/errors.js';
import { decodeFloats, decodeStrings, readNpyHeader } from './npy-read.js';

/** Embeddings and the files they belong to. */
export interface EmbeddingsFile {
  /** A name per row. */
  readonly files: readonly string[];
  /** float32 [files.length, width]. */
  readonly embeddings: Float32Array;
  readonly width: number;
}

/** The largest file, and the largest array in it, by default: what Node reads at once, a million embeddings of 512 values. */
export const maxEmbeddingsBytes = 2 ** 31 - 1;

/**
 * Reads a file of embeddings:
 * - `.npz`: arrays `embeddings` [n, width] (float16, float32 or float64) and `files` (n strings), stored or deflated;
 * - `.npy`: the embeddings; their files are the lines of `<path>.files.txt`.
 * @throws UsageError for another extension, or when there is no such file
 * @throws SphereFaceError for damaged files, arrays whose numbers of rows differ, and more than `maxBytes`.
 */
export async function readEmbeddings(
  path: string,
  { maxBytes = maxEmbeddingsBytes }: { readonly maxBytes?: number } = {},
): Promise<EmbeddingsFile> {
  const read = async (file: string): Promise<Uint8Array> => {
    const found = await stat(file).catch((cause: unknown) => {
      throw new UsageError(`${file} cannot be read.`, { expected: 'a file of embeddings (.npz, .npy)', cause });
    });
    if (found.size > maxBytes) throw tooLarge(file, found.size, maxBytes);
    return readFile(file);
  };
  if (/\.npy$/i.test(path)) {
    const names = Buffer.from(await read(`${path}.files.txt`)).toString('utf8');
    return together(path, await read(path), names === '' ? [] : names.replace(/\n$/, '').split('\n'));
  }
  if (/\.npz$/i.test(path)) {
    const arrays = await unzip(path, await read(path), maxBytes);
    return together(path, arrays.embeddings, decodeStrings(readNpyHeader(arrays.files, path), arrays.files, path));
  }
  throw new UsageError('Embeddings cannot be read from this file.', { got: path, expected: '.npz or .npy' });
}

function together(path: string, array: Uint8Array, files: readonly string[]): EmbeddingsFile {
  const header = readNpyHeader(array, path);
  const [rows, width] = header.shape;
  if (header.shape.length !== 2 || rows === undefined || width === undefined || rows !== files.length || width < 1) {
    throw new SphereFaceError(`${path} does not hold an embedding per file.`, {
      got: `an array [${header.shape.join(', ')}] and ${files.length} files`,
      expected: '[files, values]',
    });
  }
  return { files, embeddings: decodeFloats(header, array, path), width };
}

async function unzip(path: string, bytes: Uint8Array, maxBytes: number) {
  const reader = new ZipReader(new Uint8ArrayReader(bytes), { useWebWorkers: false, checkSignature: true });
  const found: Partial<Record<'embeddings' | 'files', Uint8Array>> = {};
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      const name = /^(embeddings|files)\.npy$/.exec(entry.filename)?.[1] as keyof typeof found | undefined;
      if (name === undefined || entry.directory) continue;
      if (entry.uncompressedSize > maxBytes) throw tooLarge(`${path}, ${name}`, entry.uncompressedSize, maxBytes);
      found[name] = await unpack(entry, path);
    }
  } catch (error) {
    if (error instanceof SphereFaceError) throw error;
    throw new SphereFaceError(`${path} cannot be read as an .npz file.`, {
      got: messageOf(error),
      next: 'copy or make the file again',
      cause: error,
    });
  } finally {
    await reader.close();
  }
  const { embeddings, files } = found;
  if (embeddings !== undefined && files !== undefined) return { embeddings, files };
  throw new SphereFaceError(`${path} is no file of embeddings.`, {
    got: `arrays ${Object.keys(found).join(', ') || 'of other names'}`,
    expected: 'the arrays embeddings and files, as sphereface embed writes them',
  });
}

/** An entry's data, no longer than its directory says. */
async function unpack(entry: FileEntry, path: string): Promise<Uint8Array> {
  const data = new Uint8Array(entry.uncompressedSize);
  let length = 0;
  const wrong = (): SphereFaceError =>
    new SphereFaceError(`${path} is damaged.`, {
      got: `${length} bytes of ${entry.filename}`,
      expected: `${data.length}, as its directory says`,
      next: 'copy or make the file again',
    });
  const into = new WritableStream<Uint8Array>({
    write: (chunk) => {
      length += chunk.length;
      if (length > data.length) throw wrong();
      data.set(chunk, length - chunk.length);
    },
  });
  await entry.getData(into);
  if (length !== data.length) throw wrong();
  return data;
}

function tooLarge(file: string, bytes: number, maxBytes: number): SphereFaceError {
  return new SphereFaceError(`${file} is too large.`, {
    got: `${bytes} bytes`,
    expected: `at most ${maxBytes}`,
    next: 'raise `maxBytes` if the file is as it should be',
  });
}
