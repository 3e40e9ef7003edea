// Which photos of a source are as an earlier run left them, so that only the others are worked on.
import type { OpenedSource } from '../images/source.js';
import { inOrder } from './in-order.js';
import type { OutputFolder } from './output-folder.js';
import { digestOf, type PhotoRecord, sameStamp, type Stamp, stampOf } from './photo-record.js';

/** Photos that are looked at at once. */
const looks = 16;

export interface ChangeOptions {
  readonly source: OpenedSource;
  /** Per entry the name of its crop. */
  readonly names: readonly (string | undefined)[];
  /** By file, what earlier runs recorded. */
  readonly recorded: ReadonlyMap<string, PhotoRecord>;
  readonly output: OutputFolder;
  /** The digest of a photo's given detection. */
  readonly detection: (file: string) => string | undefined;
  readonly photoSeconds: number;
}

/**
 * Per entry its record, if the photo and its crops are as the record says; `undefined` where there is work to do. A photo
 * of the same size and times is the same; another one is read, and is the same if its content is.
 */
export async function unchangedRecords(options: ChangeOptions): Promise<(PhotoRecord | undefined)[]> {
  const records: (PhotoRecord | undefined)[] = [];
  const look = (index: number) => unchangedRecord(index, options);
  for await (const record of inOrder(options.source.entries.keys(), looks, look)) records.push(record);
  return records;
}

async function unchangedRecord(index: number, options: ChangeOptions): Promise<PhotoRecord | undefined> {
  const { source, names, recorded, output, detection, photoSeconds } = options;
  const { file } = source.entries[index];
  const record = recorded.get(file);
  if (record === undefined || record.detection !== detection(file)) return undefined;
  if (record.died === true || (record.late !== undefined && record.late < photoSeconds)) return undefined;
  // Other photos may have come that this one's crop gives way to.
  if (record.crops.length > 0 && record.crops[0].name !== names[index]) return undefined;
  for (const { name, bytes } of record.crops) if ((await output.sizeOf(name)) !== bytes) return undefined;
  const stamp = await stampOf(source, index);
  if (sameStamp(record.stamp, stamp)) return record;
  return (await sameContent(record, source, index)) ? restamped(record, stamp) : undefined;
}

async function sameContent({ digest }: PhotoRecord, source: OpenedSource, index: number): Promise<boolean> {
  if (digest === undefined) return false;
  return source.read(index).then(
    (bytes) => digestOf(bytes) === digest,
    () => false,
  );
}

function restamped({ file, stamp: _, ...rest }: PhotoRecord, stamp: Stamp | undefined): PhotoRecord {
  return stamp === undefined ? { file, ...rest } : { file, stamp, ...rest };
}
