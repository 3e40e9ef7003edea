// InsightFace's training sets: packed images in a RecordIO file (`train.rec`, `train.idx`, `property`), as an image source.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SphereFaceError } from '../../common/errors.js';
import { exists } from '../../common/exists.js';
import { entryAt } from '../files.js';
import { isSystemName } from '../names.js';
import { imageOf } from './record-header.js';
import { labelledKeys, type LabelledRecord } from './record-labels.js';
import { describeRecord, isRecordIO, openRecordFile } from './recordio.js';
import { type ImageEntry, openedSource, type OpenedSource, type RefusedFile } from '../source.js';
import type { ImageFormat } from './format.js';

export const recordSetFormat: ImageFormat = {
  kind: 'recordio',
  describes: 'a RecordIO file',
  documentation: {
    looksLike: '`train.rec` or any other name, with `train.idx` and `property` where they are there; or their folder',
    identity: "the record's label",
    order: 'by identity',
  },
  matches: async (path, head) =>
    head === undefined ? (await recordFileIn(path)) !== undefined : isRecordIO(head) || /\.(rec|idx)$/i.test(path),
  open: openRecordSet,
};

/** The RecordIO file that a folder is there for: `train.rec`, or the only `.rec` in a folder without others in it. */
export async function recordFileIn(folder: string): Promise<string | undefined> {
  const children = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const records = children.map(({ name }) => name).filter((name) => /\.rec$/i.test(name));
  const only = records.length === 1 && !children.some((child) => child.isDirectory() && !isSystemName(child.name));
  const name = records.includes('train.rec') ? 'train.rec' : only ? records[0] : undefined;
  return name === undefined ? undefined : join(folder, name);
}

/** The RecordIO file that a path stands for: itself, or the one that an index lies beside. */
async function recordFileOf(path: string): Promise<string> {
  if (!/\.idx$/i.test(path)) return path;
  const rec = path.replace(/\.idx$/i, '.rec');
  if (await exists(rec)) return rec;
  throw new SphereFaceError(`There is no .rec file beside ${path}.`, {
    got: 'an index alone, which says where images lie and has none',
    expected: rec,
    next: 'give the .rec file, with the index beside it',
  });
}

/**
 * Opens an InsightFace set as an image source.
 * @param path the `.rec` file, its `.idx`, or a folder with one; the `.idx` file beside it is used where it is there, else
 *   the records are counted from the start
 */
export async function openRecordSet(path: string): Promise<OpenedSource> {
  const rec = (await recordFileIn(path)) ?? (await recordFileOf(path));
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
