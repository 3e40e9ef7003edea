// A second, independent writer of MXNet RecordIO files for tests (after dmlc-core's recordio.h and MXNet's recordio.py).

const magic = 0xced7230a;
const magicBytes = Buffer.from('0a23d7ce', 'hex');

/** One record to write: labels, and image bytes unless it is a header or identity record. */
export interface RecordPart {
  readonly labels: readonly number[];
  readonly image?: Uint8Array;
  /** Write the labels as an array even if there is only one. */
  readonly asArray?: boolean;
}

/** MXNet's `pack`: IRHeader (flag, label, id, id2), labels, image. */
export function packRecord({ labels, image = new Uint8Array(), asArray = false }: RecordPart, id: number): Buffer {
  const scalar = labels.length === 1 && !asArray;
  const header = Buffer.alloc(24 + (scalar ? 0 : labels.length * 4));
  header.writeUInt32LE(scalar ? 0 : labels.length, 0);
  if (scalar) header.writeFloatLE(labels[0], 4);
  header.writeBigUInt64LE(BigInt(id), 8);
  if (!scalar) for (const [index, label] of labels.entries()) header.writeFloatLE(label, 24 + index * 4);
  return Buffer.concat([header, image]);
}

/** dmlc's `RecordIOWriter::WriteRecord`: data that hold the magic word at a multiple of 4 bytes are split there. */
export function frameRecord(data: Buffer): Buffer {
  const splits: number[] = [];
  for (let at = data.indexOf(magicBytes); at >= 0; at = data.indexOf(magicBytes, at + 1)) {
    if (at % 4 === 0) splits.push(at);
  }
  const out: Buffer[] = [];
  let start = 0;
  for (const [index, end] of [...splits, data.length].entries()) {
    const last = index === splits.length;
    const flag = splits.length === 0 ? 0 : index === 0 ? 1 : last ? 3 : 2;
    const frame = Buffer.alloc(8);
    frame.writeUInt32LE(magic, 0);
    frame.writeUInt32LE(((flag << 29) | (end - start)) >>> 0, 4);
    out.push(frame, data.subarray(start, end), Buffer.alloc((4 - ((end - start) % 4)) % 4));
    start = end + 4;
  }
  return Buffer.concat(out);
}

/** The bytes of `.rec` and `.idx` for records with keys 0, 1, 2, … */
export function writeRecordIO(parts: readonly RecordPart[]): { readonly rec: Buffer; readonly idx: string } {
  const records = parts.map((part, key) => frameRecord(packRecord(part, key)));
  let offset = 0;
  const idx = records.map((record, key) => {
    const line = `${key}\t${offset}\n`;
    offset += record.length;
    return line;
  });
  return { rec: Buffer.concat(records), idx: idx.join('') };
}

/** The records of an InsightFace training set: header, images, one record per identity with the range of its images. */
export function insightFaceSet(identities: readonly (readonly Uint8Array[])[]): RecordPart[] {
  const images = identities.flatMap((list, label) => list.map((image): RecordPart => ({ labels: [label], image })));
  const ranges: RecordPart[] = [];
  let next = 1;
  for (const list of identities) {
    ranges.push({ labels: [next, next + list.length] });
    next += list.length;
  }
  return [{ labels: [images.length + 1, images.length + 1 + identities.length] }, ...images, ...ranges];
}
