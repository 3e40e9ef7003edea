// Files that are there whole or not at all: written beside their place under another name, then renamed.
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { keepTemporary, markTemporary } from './temporary.js';
import { writing } from './writing.js';

/** Writes a file, whole or in parts, so that a reader, or a crash at any moment, meets the old content or the new one and nothing between. */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  markTemporary(temporary);
  try {
    const handle = await open(temporary, 'wx');
    try {
      const parts = typeof data === 'string' || data instanceof Uint8Array ? [data] : data;
      await writing(path, async () => {
        for await (const part of parts) await handle.writeFile(part);
        await handle.sync();
      });
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    keepTemporary(temporary);
  }
}
