// InsightFace's training sets: MXNet RecordIO (`train.rec`), its index (`train.idx`) and `property`, read in any order.
//
// A record is a magic word, a word with 3 bits of part flag and 29 bits of length, the data, and padding to 4 bytes. Data
// that hold the magic word are split there into parts. A packed image is a header (flag, label, two ids) and the encoded
// image; with flag > 0 that many float32 labels lie between. Record 0 of a set states, as its two labels, where the
// records of the identities begin and end; each identity's labels are the first key of its images and the one past the last.
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SphereFaceError, messageOf } from '../common/errors.js';
import { entryAt, readAt } from './files.js';
import { type ImageEntry, type OpenedSource, type RefusedFile, maxImageBytes } from './source.js';

const magic = 0xced7230a;
const wordBytes = 4;
const frameBytes = 2 * wordBytes;
const imageHeaderBytes = 24;
/** Read for a record whose length is not known from the index. */
const guessedBytes = 16384;

/** An image record of RecordIO, unpacked (MXNet's IRHeader and what follows it). */
export interface ImageRecord {
  readonly labels: readonly number[];
  readonly id: bigint;
  readonly image: Uint8Array;
}

/** A RecordIO file with its index. */
export interface RecordFile {
  /** The keys of the index, ascending. */
  readonly keys: Float64Array;
  /** The data of the record at `position` of `keys`, parts joined. */
  read(position: number): Promise<Uint8Array>;
  /** The first bytes of that data, at most `length`. */
  readHead(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens an InsightFace set as an image source.
 * @param path the `.rec` file, or a folder with `train.rec`; the `.idx` file beside it is used where it is there, else
 *   the records are counted from the start
 */
export async function openRecordIO(path: string): Promise<OpenedSource> {
  const rec = (await stat(path)).isDirectory() ? join(path, 'train.rec') : path;
  const records = await openRecordFile(rec);
  try {
    const refused: RefusedFile[] = [];
    const labelled = await labelledKeys(records, rec, refused);
    const entries: ImageEntry[] = [];
    const positions = new Float64Array(labelled.length);
    for (const [index, { position, label }] of labelled.entries()) {
      positions[index] = position;
      const identity = String(label);
      entries.push({ file: `${identity}/${records.keys[position]}.jpg`, identity });
    }
    await checkProperty(rec, labelled);
    return {
      kind: 'recordio',
      entries,
      ignored: 0,
      refused,
      read: async (index) => {
        entryAt(entries, index);
        const position = positions[index];
        return unpackImage(await records.read(position), describeRecord(rec, records.keys[position])).image;
      },
      close: () => records.close(),
    };
  } catch (error) {
    await records.close();
    throw error;
  }
}

/** Opens a RecordIO file of any content. */
export async function openRecordFile(path: string): Promise<RecordFile> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const index = await readIndex(path.replace(/\.rec$/i, '.idx'));
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
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Splits a packed image into labels and encoded image. */
export function unpackImage(record: Uint8Array, name: string): ImageRecord {
  const { flag, labels, length } = unpackHeader(record, name);
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const image = record.subarray(length);
  if (image.length === 0) throw damaged(name, `no image after the header (flag ${flag})`);
  return { labels, id: view.getBigUint64(8, true), image };
}

interface Header {
  readonly flag: number;
  readonly labels: readonly number[];
  /** Bytes until the image. */
  readonly length: number;
}

function unpackHeader(record: Uint8Array, name: string): Header {
  if (record.length < imageHeaderBytes) throw damaged(name, `${record.length} bytes`, `at least ${imageHeaderBytes}`);
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const flag = view.getUint32(0, true);
  if (flag === 0) return { flag, labels: [view.getFloat32(4, true)], length: imageHeaderBytes };
  const length = imageHeaderBytes + flag * 4;
  if (length > record.length) throw damaged(name, `a header of ${flag} labels in ${record.length} bytes`);
  const labels = Array.from({ length: flag }, (_, index) => view.getFloat32(imageHeaderBytes + index * 4, true));
  return { flag, labels, length };
}

/** The labels of a header of which only the beginning is there. */
function leadingLabels(head: Uint8Array, name: string): readonly number[] {
  if (head.length < imageHeaderBytes) throw damaged(name, `${head.length} bytes`, `at least ${imageHeaderBytes}`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, true) === 0) return [view.getFloat32(4, true)];
  if (head.length < imageHeaderBytes + 4) throw damaged(name, 'a header without its labels');
  return [view.getFloat32(imageHeaderBytes, true)];
}

interface LabelledRecord {
  /** Position in the index. */
  readonly position: number;
  readonly label: number;
}

/** Which records are images, and of whom. */
async function labelledKeys(
  records: RecordFile,
  path: string,
  refused: RefusedFile[],
): Promise<readonly LabelledRecord[]> {
  const { keys } = records;
  if (keys.length === 0) throw new SphereFaceError(`${path} holds no records.`);
  const name = describeRecord(path, keys[0]);
  const first = unpackHeader(await records.read(0), name);
  if (first.flag === 0) return scanLabels(records, path, 0, refused);
  const [begin, end] = first.labels;
  if (first.flag < 2 || !Number.isInteger(begin) || !Number.isInteger(end) || end < begin) {
    throw damaged(name, `labels ${first.labels.slice(0, 4).join(', ')}`, 'the first and last key of the identities');
  }

  const positionOf = (key: number): number => lowerBound(keys, key);
  const labelled: LabelledRecord[] = [];
  const last = positionOf(end);
  for (let position = positionOf(begin); position < last; position++) {
    const identity = describeRecord(path, keys[position]);
    try {
      const { labels } = unpackHeader(await records.read(position), identity);
      const [from, to] = labels;
      if (
        labels.length < 2 ||
        !Number.isInteger(from) ||
        !Number.isInteger(to) ||
        to < from ||
        from < 1 ||
        to > begin
      ) {
        throw damaged(identity, `the images ${labels.slice(0, 2).join(' to ')}`, `keys from 1 to ${begin}`);
      }
      const [start, stop] = [positionOf(from), positionOf(to)];
      if (start === stop) continue;
      const label = await labelOf(records, path, start);
      for (let image = start; image < stop; image++) labelled.push({ position: image, label });
    } catch (error) {
      refused.push({ file: `record ${keys[position]}`, reason: messageOf(error) });
    }
  }
  return labelled.length > 0 ? labelled : scanLabels(records, path, 1, refused);
}

/** How many records are asked for their labels at the same time. */
const scannedAtOnce = 64;

/** Without identity records every image is asked for its label. */
async function scanLabels(
  records: RecordFile,
  path: string,
  from: number,
  refused: RefusedFile[],
): Promise<readonly LabelledRecord[]> {
  const labelled: LabelledRecord[] = [];
  const { length } = records.keys;
  for (let start = from; start < length; start += scannedAtOnce) {
    const positions = Array.from({ length: Math.min(scannedAtOnce, length - start) }, (_, index) => start + index);
    const labels = await Promise.all(
      positions.map((position) => labelOf(records, path, position).catch((error: unknown) => messageOf(error))),
    );
    for (const [index, label] of labels.entries()) {
      const position = positions[index];
      if (typeof label === 'number') labelled.push({ position, label });
      else refused.push({ file: `record ${records.keys[position]}`, reason: label });
    }
  }
  return labelled;
}

async function labelOf(records: RecordFile, path: string, position: number): Promise<number> {
  const name = describeRecord(path, records.keys[position]);
  const [label] = leadingLabels(await records.readHead(position, imageHeaderBytes + 4), name);
  if (!Number.isInteger(label) || label < 0) throw damaged(name, `label ${label}`, 'the number of an identity');
  return label;
}

/** `property` states the number of classes and the crop's size; a set with labels beyond it is not whole. */
async function checkProperty(path: string, labelled: readonly LabelledRecord[]): Promise<void> {
  const property = join(path, '..', 'property');
  const text = await readFile(property, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const numbers = text.trim().split(',').map(Number);
  const [classes] = numbers;
  if (numbers.length !== 3 || numbers.some((number) => !Number.isInteger(number) || number < 1)) {
    throw new SphereFaceError(`${property} cannot be understood.`, {
      got: text.slice(0, 80),
      expected: 'classes,height,width, for instance 10572,112,112',
    });
  }
  const largest = labelled.reduce((most, { label }) => Math.max(most, label), -1);
  if (largest >= classes) {
    throw new SphereFaceError(`${path} and its property file contradict each other.`, {
      got: `an image of identity ${largest}`,
      expected: `identities from 0 to ${classes - 1}, as ${property} states`,
      next: 'check that both files belong to the same set',
    });
  }
}

interface Index {
  readonly keys: Float64Array;
  readonly offsets: Float64Array;
}

/** The index file: a line `key<tab>offset` per record. Millions of lines are read byte by byte, without a string for each. */
async function readIndex(path: string): Promise<Index | undefined> {
  const text = await readFile(path).catch(() => undefined);
  if (text === undefined) return undefined;
  let lines = 0;
  for (const byte of text) if (byte === newline) lines++;
  const keys = new Float64Array(lines + 1);
  const offsets = new Float64Array(lines + 1);
  let count = 0;
  let sorted = true;
  for (let start = 0, line = 1; start < text.length; line++) {
    const found = text.indexOf(newline, start);
    const end = found < 0 ? text.length : found;
    const tab = text.indexOf(tabulator, start);
    const key = tab < 0 || tab > end ? NaN : digits(text, start, tab);
    const offset = tab < 0 || tab > end ? NaN : digits(text, tab + 1, text[end - 1] === carriageReturn ? end - 1 : end);
    if (Number.isNaN(key) || Number.isNaN(offset)) {
      const got = text.toString('latin1', start, Math.min(end, start + 80));
      if (got.trim() !== '') {
        throw new SphereFaceError(`Line ${line} of ${path} cannot be understood.`, {
          got,
          expected: 'a record number, a tab, a position in the .rec file',
        });
      }
    } else {
      if (count > 0 && key <= keys[count - 1]) sorted = false;
      keys[count] = key;
      offsets[count++] = offset;
    }
    start = end + 1;
  }
  if (sorted) return { keys: keys.subarray(0, count), offsets: offsets.subarray(0, count) };
  const order = Uint32Array.from({ length: count }, (_, index) => index).sort((i, j) => keys[i] - keys[j]);
  return {
    keys: Float64Array.from(order, (index) => keys[index]),
    offsets: Float64Array.from(order, (index) => offsets[index]),
  };
}

const newline = 0x0a;
const tabulator = 0x09;
const carriageReturn = 0x0d;
const zero = 0x30;

/** The number written in `text` from `start` to `end`; NaN unless it is 1 to 15 digits. */
function digits(text: Uint8Array, start: number, end: number): number {
  if (end <= start || end > start + 15) return NaN;
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = text[index] - zero;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Without an index: record n of the file gets key n. Only the frames are read. */
async function countRecords(handle: FileHandle, size: number, path: string): Promise<Index> {
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
  if (offset + frameBytes > size) throw damaged(name, `position ${offset}`, `one inside the file of ${size} bytes`);
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
    if (offset + end > size) throw damaged(name, `a length of ${frame.length} bytes, beyond the end of the file`);
    total += frame.length + wordBytes;
    if (total > maxImageBytes) throw damaged(name, `${total} bytes or more`, `at most ${maxImageBytes}`);
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
  if (position + frameBytes > bytes.length) throw damaged(name, 'the end of the file inside a record');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = view.getUint32(position, true);
  if (word !== magic) throw damaged(name, `0x${word.toString(16)}`, `the magic word 0x${magic.toString(16)}`);
  const lengthWord = view.getUint32(position + wordBytes, true);
  const flag = lengthWord >>> 29;
  if (flag > 3 || continued !== flag >= 2) {
    throw damaged(name, `part flag ${flag}`, continued ? '2 or 3' : '0 or 1');
  }
  return { length: lengthWord & 0x1fffffff, ends: flag === 0 || flag === 3 };
}

function padded(length: number): number {
  return Math.ceil(length / wordBytes) * wordBytes;
}

/** The first position in ascending `keys` that is not below `key`. */
function lowerBound(keys: Float64Array, key: number): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function describeRecord(path: string, key: number): string {
  return `Record ${key} of ${path}`;
}

function damaged(name: string, got: string, expected?: string): SphereFaceError {
  return new SphereFaceError(`${name} is damaged.`, { got, ...(expected === undefined ? {} : { expected }) });
}
