// The forms in which a photo can be handed over: a path, an address of a file, encoded bytes, a Blob, or pixels.
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SphereFaceError, UsageError } from '../../common/errors.js';
import type { Picture } from '../../images/index.js';
import { maxImageBytes } from '../../images/source.js';

/** Decoded pixels: rows of RGB or, as a canvas gives them, RGBA (laid over black), 8 bits each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** width × height × 3 or 4 values. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

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

/** @param pixels may be anything: the last of the forms, and JavaScript checks none. */
function toPicture(pixels: Pixels): Picture {
  const { width, height, data } = (typeof pixels === 'object' ? (pixels ?? {}) : {}) as Partial<Pixels>;
  const count = Number(width) * Number(height);
  const sized = Number.isInteger(width) && Number.isInteger(height) && count > 0;
  if (!sized || !(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new UsageError('This is not a photo.', {
      got:
        typeof pixels === 'object'
          ? `an object with ${Object.keys(pixels ?? {}).join(', ') || 'nothing'}`
          : typeof pixels,
      expected: "a path, a file's URL, bytes, a Blob, or pixels { width, height, data }",
    });
  }
  const size = { width: Number(width), height: Number(height) };
  if (data.length === count * 3) {
    return { ...size, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  }
  if (data.length === count * 4) return { ...size, data: overBlack(data) };
  throw new UsageError('The pixels do not fill the photo.', {
    got: `${data.length} values for ${width} x ${height} pixels`,
    expected: `${count * 3} (RGB) or ${count * 4} (RGBA)`,
  });
}

/** RGB of RGBA over black, as decoded photos have it. */
function overBlack(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    for (let k = 0; k < 3; k++) rgb[to + k] = Math.round((rgba[from + k] * alpha) / 255);
  }
  return rgb;
}

/** A path, of a path or a `file:` address. */
export function pathOf(path: string | URL): string {
  return path instanceof URL ? fileURLToPath(path) : path;
}
