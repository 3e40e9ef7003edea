// Reading files with bounds: whole, by position, and only the beginning.
import { type FileHandle, open } from 'node:fs/promises';
import { SphereFaceError } from '../common/errors.js';
import { maxImageBytes } from './source.js';

/** Reads a whole file unless it is larger than an image may be. */
export async function readBounded(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (size > maxImageBytes) {
      throw new SphereFaceError(`The image file ${path} is too large.`, {
        got: `${size} bytes`,
        expected: `at most ${maxImageBytes} bytes`,
      });
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Entry `index`, or an error that names the range. */
export function entryAt<E>(entries: readonly E[], index: number): E {
  const entry = entries[index];
  if (entry === undefined) throw new RangeError(`entry ${index} of ${entries.length}`);
  return entry;
}

/** Reads up to `length` bytes at `offset`; fewer only at the end of the file. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** The first bytes of a file, at most `length`. */
export async function readHead(path: string, length: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
