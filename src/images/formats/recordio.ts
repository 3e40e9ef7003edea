// MXNet's RecordIO: a file of records, read by position.
//
// A record is a magic word, a word with 3 bits of part flag and 29 bits of length, the data, and padding to 4 bytes. Data
// that hold the magic word are split there into parts.
import { type FileHandle, open } from 'node:fs/promises';
import { SphereFaceError } from '../../common/errors.js';
import { readAt } from '../files.js';
import { readIndex, type RecordIndex } from './recordio-index.js';
import { maxImageBytes } from '../source.js';

const magic = 0xced7230a;
const wordBytes = 4;
const frameBytes = 2 * wordBytes;
/** Read for a record whose length is not known from the index. */
const guessedBytes = 16384;

/** A RecordIO file with its index. */
export interface RecordFile {
  /** The keys of the index, ascending. */
  readonly keys: Float64Array;
  /** The data of the record at `position` of `keys`, parts joined. */
  read(position: number): Promise<Uint8Array>;
  /** The first bytes of that data, at most `length`. */
  readHead(position: number, length: number): Promise<Uint8Array>;
  dispose(): Promise<void>;
}

/**
 * Opens a RecordIO file. The `.idx` file beside it is used where it is there, else the records are counted from the start.
 * Reading throws a SphereFaceError that names the record, for one that is damaged.
 * @throws SphereFaceError for an index that is another file's
 */
export async function openRecordFile(path: string): Promise<RecordFile> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const index = await readIndex(indexOf(path));
    if (index !== undefined) await assertIndexOf(handle, index, path);
    const { keys, offsets } = index ?? (await countRecords(handle, size, path));
    const lengths = recordLengths(offsets, size);
    const read = (position: number): Promise<Uint8Array> =>
      readRecord(handle, size, offsets[position], lengths[position], describeRecord(path, keys[position]));
    return {
      keys,
      read,
      readHead: async (position, length) => {
        const name = describeRecord(path, keys[position]);
        const bytes = await readAt(handle, offsets[position], frameBytes + length);
        const frame = parseFrame(bytes, 0, false, name);
        // A record whose first part ends early goes on in the next part.
        if (!frame.ends && frame.length < length) return (await read(position)).subarray(0, length);
        return bytes.subarray(frameBytes, frameBytes + Math.min(frame.length, length));
      },
      dispose: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Whether a file begins as RecordIO does. */
export function isRecordIO(head: Uint8Array): boolean {
  return magicBytes.every((byte, index) => head[index] === byte);
}

/** A record in the words of errors. */
export function describeRecord(path: string, key: number): string {
  return `Record ${key} of ${path}`;
}

/** The error for a record that is not as it should be. */
export function damagedRecord(name: string, got: string, expected?: string): SphereFaceError {
  return new SphereFaceError(`${name} is damaged.`, { got, ...(expected === undefined ? {} : { expected }) });
}

const indexOf = (path: string): string => `${path.replace(/\.rec$/i, '')}.idx`;

/** An index is another file's where no record begins at any of its first, middle and last positions; a single one may be damaged. */
async function assertIndexOf(handle: FileHandle, { offsets }: RecordIndex, path: string): Promise<void> {
  const samples = [0, offsets.length >> 1, offsets.length - 1].filter((at, i, all) => all.indexOf(at) === i);
  if (samples.length < 3) return;
  for (const sample of samples) if (isRecordIO(await readAt(handle, offsets[sample], wordBytes))) return;
  throw new SphereFaceError(`${indexOf(path)} is not the index of ${path}.`, {
    got: `positions such as ${offsets[samples[1]]}, at which no record begins`,
    next: 'take the index that belongs to the file, or remove it: the records are then counted',
  });
}

/** Without an index: record n of the file gets key n. Only the frames are read. */
async function countRecords(handle: FileHandle, size: number, path: string): Promise<RecordIndex> {
  const offsets: number[] = [];
  const buffer: { start: number; bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };
  let position = 0;
  while (position < size) {
    offsets.push(position);
    const name = describeRecord(path, offsets.length - 1);
    for (let part = 'begin'; part !== 'whole';) {
      if (position < buffer.start || position + frameBytes > buffer.start + buffer.bytes.length) {
        buffer.start = position;
        buffer.bytes = await readAt(handle, position, 1 << 20);
      }
      const frame = parseFrame(buffer.bytes, position - buffer.start, part === 'inside', name);
      position += frameBytes + padded(frame.length);
      part = frame.ends ? 'whole' : 'inside';
    }
  }
  const keys = Float64Array.from(offsets.keys());
  return { keys, offsets: Float64Array.from(offsets) };
}

/** Bytes from each record to the next: how much to read at once. */
function recordLengths(offsets: Float64Array, size: number): Float64Array {
  const order = Uint32Array.from(offsets.keys());
  if (offsets.some((offset, index) => index > 0 && offset < offsets[index - 1])) {
    order.sort((a, b) => offsets[a] - offsets[b]);
  }
  const lengths = new Float64Array(offsets.length);
  for (let rank = 0; rank < order.length; rank++) {
    const end = rank + 1 < order.length ? offsets[order[rank + 1]] : size;
    lengths[order[rank]] = end - offsets[order[rank]];
  }
  return lengths;
}

async function readRecord(
  handle: FileHandle,
  size: number,
  offset: number,
  length: number,
  name: string,
): Promise<Uint8Array> {
  if (offset + frameBytes > size)
    throw damagedRecord(name, `position ${offset}`, `one inside the file of ${size} bytes`);
  const first = length > frameBytes && length <= maxImageBytes ? length : guessedBytes;
  let bytes = await readAt(handle, offset, Math.min(first, size - offset));
  const parts: Uint8Array[] = [];
  let position = 0;
  let total = 0;
  for (let ended = false; !ended;) {
    if (position + frameBytes > bytes.length) {
      bytes = Buffer.concat([bytes, await readAt(handle, offset + bytes.length, frameBytes)]);
    }
    const frame = parseFrame(bytes, position, parts.length > 0, name);
    const end = position + frameBytes + frame.length;
    if (offset + end > size) throw damagedRecord(name, `a length of ${frame.length} bytes, beyond the end of the file`);
    total += frame.length + wordBytes;
    if (total > maxImageBytes) throw damagedRecord(name, `${total} bytes or more`, `at most ${maxImageBytes}`);
    if (end > bytes.length) {
      bytes = Buffer.concat([bytes, await readAt(handle, offset + bytes.length, end - bytes.length + frameBytes)]);
    }
    if (parts.length > 0) parts.push(magicBytes);
    parts.push(bytes.subarray(position + frameBytes, end));
    position += frameBytes + padded(frame.length);
    ended = frame.ends;
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

const magicBytes = Uint8Array.from([magic & 0xff, (magic >>> 8) & 0xff, (magic >>> 16) & 0xff, magic >>> 24]);

/** The frame of one part. Flags: 0 a whole record, 1 its first part, 2 a middle one, 3 the last. */
function parseFrame(
  bytes: Uint8Array,
  position: number,
  continued: boolean,
  name: string,
): { readonly length: number; readonly ends: boolean } {
  if (position + frameBytes > bytes.length) throw damagedRecord(name, 'the end of the file inside a record');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = view.getUint32(position, true);
  if (word !== magic) throw damagedRecord(name, `0x${word.toString(16)}`, `the magic word 0x${magic.toString(16)}`);
  const lengthWord = view.getUint32(position + wordBytes, true);
  const flag = lengthWord >>> 29;
  if (flag > 3 || continued !== flag >= 2) {
    throw damagedRecord(name, `part flag ${flag}`, continued ? '2 or 3' : '0 or 1');
  }
  return { length: lengthWord & 0x1fffffff, ends: flag === 0 || flag === 3 };
}

function padded(length: number): number {
  return Math.ceil(length / wordBytes) * wordBytes;
}
