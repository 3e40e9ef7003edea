// InsightFace's training sets: packed images in a RecordIO file (`train.rec`, `train.idx`, `property`), as an image source.
//
// A packed image is a header (flag, label, two ids) and the encoded image; with flag > 0 that many float32 labels lie
// between. Record 0 of a set states, as its two labels, where the records of the identities begin and end; each identity's labels
// are the first key of its images and the one past the last.
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SphereFaceError, messageOf } from '../../common/errors.js';
import { entryAt } from '../files.js';
import { damagedRecord, describeRecord, isRecordIO, openRecordFile, type RecordFile } from './recordio.js';
import { type ImageEntry, openedSource, type OpenedSource, type RefusedFile } from '../source.js';
import type { ImageFormat } from './format.js';

export const recordSetFormat: ImageFormat = {
  kind: 'recordio',
  describes: 'a RecordIO file',
  documentation: {
    looksLike: '`train.rec`, `train.idx`, `property`, or their folder',
    identity: "the record's label",
    order: 'by identity',
  },
  matches: (path, head) =>
    head === undefined ? isRecordFolder(path) : isRecordIO(head) || (/\.rec$/i.test(path) && head.length > 0),
  open: openRecordSet,
};

/** Whether a folder is InsightFace's: `train.rec` lies in it. */
export function isRecordFolder(folder: string): boolean {
  return existsSync(join(folder, 'train.rec'));
}

/** MXNet's IRHeader: flag uint32, label float32, id and id2 uint64. */
const headerBytes = 24;

/**
 * Opens an InsightFace set as an image source.
 * @param path the `.rec` file, or a folder with `train.rec`; the `.idx` file beside it is used where it is there, else
 *   the records are counted from the start
 */
export async function openRecordSet(path: string): Promise<OpenedSource> {
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
    return openedSource({
      kind: 'recordio',
      entries,
      refused,
      read: async (index) => {
        entryAt(entries, index);
        const position = positions[index];
        return imageOf(await records.read(position), describeRecord(rec, records.keys[position]));
      },
      dispose: () => records.dispose(),
    });
  } catch (error) {
    await records.dispose();
    throw error;
  }
}

/** The encoded image of a record. */
function imageOf(record: Uint8Array, name: string): Uint8Array {
  const image = record.subarray(unpackHeader(record, name).length);
  if (image.length === 0) throw damagedRecord(name, 'no image after the header');
  return image;
}

interface Header {
  readonly flag: number;
  readonly labels: readonly number[];
  /** Bytes until the image. */
  readonly length: number;
}

function unpackHeader(record: Uint8Array, name: string): Header {
  if (record.length < headerBytes) throw damagedRecord(name, `${record.length} bytes`, `at least ${headerBytes}`);
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const flag = view.getUint32(0, true);
  if (flag === 0) return { flag, labels: [view.getFloat32(4, true)], length: headerBytes };
  const length = headerBytes + flag * 4;
  if (length > record.length) throw damagedRecord(name, `a header of ${flag} labels in ${record.length} bytes`);
  const labels = Array.from({ length: flag }, (_, index) => view.getFloat32(headerBytes + index * 4, true));
  return { flag, labels, length };
}

/** The labels of a header of which only the beginning is there. */
function leadingLabels(head: Uint8Array, name: string): readonly number[] {
  if (head.length < headerBytes) throw damagedRecord(name, `${head.length} bytes`, `at least ${headerBytes}`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, true) === 0) return [view.getFloat32(4, true)];
  if (head.length < headerBytes + 4) throw damagedRecord(name, 'a header without its labels');
  return [view.getFloat32(headerBytes, true)];
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
    throw damagedRecord(
      name,
      `labels ${first.labels.slice(0, 4).join(', ')}`,
      'the first and last key of the identities',
    );
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
        throw damagedRecord(identity, `the images ${labels.slice(0, 2).join(' to ')}`, `keys from 1 to ${begin}`);
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
  const [label] = leadingLabels(await records.readHead(position, headerBytes + 4), name);
  if (!Number.isInteger(label) || label < 0) throw damagedRecord(name, `label ${label}`, 'the number of an identity');
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
