// One entry of a zip: read in place, whole or only its beginning.
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, crc32, inflateRaw } from 'node:zlib';
import { SphereFaceError, messageOf } from '../../common/errors.js';
import { readAt } from '../files.js';

/** What is kept of a directory entry (zip.js's own carries forty fields, too many for a million images). */
export interface ZipEntry {
  /** The name in the zip, for errors. */
  readonly name: string;
  readonly offset: number;
  readonly nameLength: number;
  readonly compressed: number;
  readonly size: number;
  readonly deflated: boolean;
  readonly crc: number | undefined;
}

const inflate = promisify<Buffer | Uint8Array, { maxOutputLength: number; finishFlush?: number }, Buffer>(inflateRaw);

const localHeaderSize = 30;
const localHeaderSignature = 0x04034b50;
/** Extra fields of a local header are this long at most in the archives one meets; longer ones cost a second read. */
const usualExtra = 64;

/**
 * The data of an entry.
 * @throws SphereFaceError for data that do not inflate, or have another size or checksum than the directory states.
 */
export async function readEntry(handle: FileHandle, entry: ZipEntry): Promise<Uint8Array> {
  const body = await readBody(handle, entry, entry.compressed);
  if (body.length < entry.compressed) throw damaged(entry, `${body.length} bytes where ${entry.compressed} should be`);
  let data: Uint8Array = body;
  if (entry.deflated) {
    try {
      data = await inflate(body, { maxOutputLength: Math.max(entry.size, 1) });
    } catch (error) {
      throw damaged(entry, messageOf(error));
    }
  }
  if (data.length !== entry.size) throw damaged(entry, `${data.length} bytes where ${entry.size} should be`);
  if (entry.crc !== undefined && crc32(data) !== entry.crc) {
    throw damaged(entry, 'another checksum than the directory states');
  }
  return data;
}

/** Deflated data are read this much at a time: their beginning may be a table of codes. */
const headCompressed = 1024;
/** What they may inflate to. */
const headInflated = 2 ** 21;

/** The first bytes of an entry's data, some hundred at least if it has them; `undefined` for damaged data. */
export async function readEntryHead(handle: FileHandle, entry: ZipEntry): Promise<Uint8Array | undefined> {
  const options = { maxOutputLength: headInflated, finishFlush: constants.Z_SYNC_FLUSH };
  try {
    const body = await readBody(handle, entry, Math.min(entry.compressed, headCompressed));
    return entry.deflated ? await inflate(body, options) : body;
  } catch {
    return undefined;
  }
}

/** The first `length` bytes of the stored or deflated data. */
async function readBody(handle: FileHandle, entry: ZipEntry, length: number): Promise<Uint8Array> {
  const head = await readAt(handle, entry.offset, localHeaderSize + entry.nameLength + usualExtra + length);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < localHeaderSize || view.getUint32(0, true) !== localHeaderSignature) {
    throw damaged(entry, 'no local header');
  }
  const start = localHeaderSize + view.getUint16(26, true) + view.getUint16(28, true);
  const body = head.subarray(start, start + length);
  return body.length < length ? readAt(handle, entry.offset + start, length) : body;
}

function damaged({ name }: ZipEntry, got: string): SphereFaceError {
  return new SphereFaceError(`The zip entry ${name} is damaged.`, { got, next: 'copy or download the zip again' });
}
