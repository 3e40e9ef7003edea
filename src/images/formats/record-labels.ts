// Which records of an InsightFace set are images, and of whom.
//
// Record 0 of a set has no image: its two labels say where the records of the identities begin and end, and each identity's labels
// are the first key of its images and the one past the last. Without these, every image is asked for its label.
import { SphereFaceError, messageOf } from '../../common/errors.js';
import type { RefusedFile } from '../source.js';
import { firstLabel, labelBytes, unpackHeader } from './record-header.js';
import { damagedRecord, describeRecord, type RecordFile } from './recordio.js';

/** An image in a RecordIO file. */
export interface LabelledRecord {
  /** Position in the index. */
  readonly position: number;
  readonly label: number;
}

/**
 * Which records are images, and of whom.
 * @param refused gets the records that are damaged
 */
export async function labelledKeys(
  records: RecordFile,
  path: string,
  refused: RefusedFile[],
): Promise<readonly LabelledRecord[]> {
  const { keys } = records;
  if (keys.length === 0) throw new SphereFaceError(`${path} holds no records.`);
  const name = describeRecord(path, keys[0]);
  const record = await records.read(0);
  const first = unpackHeader(record, name);
  // A set's header is a record without an image; packed by other programs, sets begin with their first image.
  if (record.length > first.length) return scanLabels(records, path, 0, refused);
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
  const label = firstLabel(await records.readHead(position, labelBytes), name);
  if (!Number.isInteger(label) || label < 0) throw damagedRecord(name, `label ${label}`, 'the number of an identity');
  return label;
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
