// The forms in which a photo can be handed over: a path, an address of a file, encoded bytes, a Blob, or pixels.
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SphereFaceError, UsageError } from '../../common/errors.js';
import type { Picture } from '../../images/index.js';
import { maxImageBytes } from '../../images/source.js';
import { type Pixels, toPicture } from './pixels.js';

/** A photo: the path or `file:` address of an image file, its bytes (JPEG, PNG, …), a Blob of them, or pixels. */
export type PhotoInput = string | URL | Uint8Array | Blob | Pixels;

/** A photo as it was handed over: encoded, or decoded already. `file` names it in results and errors. */
export type ReadPhoto =
  | { readonly file: string; readonly bytes: Uint8Array; readonly picture?: undefined }
  | { readonly file: string; readonly bytes?: undefined; readonly picture: Picture };

/**
 * Reads a photo, as far as it must be read.
 * @throws UsageError for a file that is not there, an address that is no file's, and for what is none of the forms.
 */
export async function readPhoto(input: PhotoInput): Promise<ReadPhoto> {
  if (typeof input === 'string') return { file: input, bytes: await readFileOf(input) };
  if (input instanceof URL) {
    if (input.protocol !== 'file:') {
      throw new UsageError(`The photo ${input.href} is not a file's address.`, {
        got: input.protocol,
        expected: 'file:',
        next: 'fetch it first, and hand over its bytes or Blob',
      });
    }
    const path = fileURLToPath(input);
    return { file: path, bytes: await readFileOf(path) };
  }
  if (input instanceof Uint8Array) return { file: 'the photo', bytes: input };
  if (input instanceof Blob) {
    const { name } = input as Blob & { readonly name?: string };
    return { file: name ?? 'the photo', bytes: new Uint8Array(await input.arrayBuffer()) };
  }
  return { file: 'the photo', picture: toPicture(input) };
}

async function readFileOf(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new UsageError(`${path} cannot be read`, { expected: 'an image file', next: 'check the path', cause });
  });
  if (!found.isFile()) throw new UsageError(`${path} is not a file`, { expected: 'an image file' });
  if (found.size > maxImageBytes) {
    throw new SphereFaceError(`${path} is too large for a photo`, {
      got: `${found.size} bytes`,
      expected: `at most ${maxImageBytes}`,
    });
  }
  return readFile(path);
}

/** A path, of a path or a `file:` address. */
export function pathOf(path: string | URL): string {
  return path instanceof URL ? fileURLToPath(path) : path;
}
