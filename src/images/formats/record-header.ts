// The header of a packed image in MXNet's RecordIO: flag, label, two ids; with flag > 0 that many float32 labels follow.
import { damagedRecord } from './recordio.js';

/** MXNet's IRHeader: flag uint32, label float32, id and id2 uint64. */
const headerBytes = 24;

/** How much of a record holds its first label. */
export const labelBytes = headerBytes + 4;

/** The encoded image of a record. */
export function imageOf(record: Uint8Array, name: string): Uint8Array {
  const image = record.subarray(unpackHeader(record, name).length);
  if (image.length === 0) throw damagedRecord(name, 'no image after the header');
  return image;
}

/** The header of a packed image. */
export interface Header {
  readonly flag: number;
  readonly labels: readonly number[];
  /** Bytes until the image. */
  readonly length: number;
}

/** Reads a record's header. @throws SphereFaceError for a record that is too short for what it states. */
export function unpackHeader(record: Uint8Array, name: string): Header {
  if (record.length < headerBytes) throw damagedRecord(name, `${record.length} bytes`, `at least ${headerBytes}`);
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const flag = view.getUint32(0, true);
  if (flag === 0) return { flag, labels: [view.getFloat32(4, true)], length: headerBytes };
  const length = headerBytes + flag * 4;
  if (length > record.length) throw damagedRecord(name, `a header of ${flag} labels in ${record.length} bytes`);
  const labels = Array.from({ length: flag }, (_, index) => view.getFloat32(headerBytes + index * 4, true));
  return { flag, labels, length };
}

/** The first label of a record, of which the first {@link labelBytes} are there. */
export function firstLabel(head: Uint8Array, name: string): number {
  if (head.length < headerBytes) throw damagedRecord(name, `${head.length} bytes`, `at least ${headerBytes}`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, true) === 0) return view.getFloat32(4, true);
  if (head.length < headerBytes + 4) throw damagedRecord(name, 'a header without its labels');
  return view.getFloat32(headerBytes, true);
}
