// A small TIFF of any photometric interpretation and sample format, for tests of what must be refused.

/** What the TIFF states, and its samples as bytes. */
export interface TiffParts {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly bits: number;
  /** 1 grey (0 is black), 2 RGB, 6 YCbCr. */
  readonly photometric: number;
  /** 1 unsigned, 2 signed, 3 floating point. */
  readonly format?: number;
  readonly data: Uint8Array;
}

const short = 3;
const long = 4;

/** Number, type and values of the tags, by number but for 530, which readers do not mind. */
function tagsOf(
  { width, height, samples, bits, photometric, format = 1, data }: TiffParts,
  dataAt: number,
): readonly (readonly [number, number, readonly number[]])[] {
  return [
    [256, short, [width]],
    [257, short, [height]],
    [258, short, new Array<number>(samples).fill(bits)],
    [259, short, [1]],
    [262, short, [photometric]],
    [273, long, [dataAt]],
    [277, short, [samples]],
    [278, short, [height]],
    [279, long, [data.length]],
    ...(photometric === 6 ? [[530, short, [1, 1]] as const] : []),
    [339, short, new Array<number>(samples).fill(format)],
  ];
}

/** An uncompressed little-endian TIFF of one strip. */
export function writeTiff(parts: TiffParts): Buffer {
  const { data } = parts;
  const tags = tagsOf(parts, 0);
  const extraAt = 8 + 2 + tags.length * 12 + 4;
  const extra: number[] = [];
  const directory = Buffer.alloc(extraAt - 8);
  directory.writeUInt16LE(tags.length, 0);
  const dataAt = extraAt + tags.reduce((sum, [, , values]) => sum + (values.length > 2 ? values.length * 2 : 0), 0);
  for (const [index, [tag, type, values]] of tags.entries()) {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(values.length, at + 4);
    if (values.length > 2) {
      directory.writeUInt32LE(extraAt + extra.length * 2, at + 8);
      extra.push(...values);
    } else if (type === long) {
      directory.writeUInt32LE(tag === 273 ? dataAt : values[0], at + 8);
    } else {
      for (const [place, value] of values.entries()) directory.writeUInt16LE(value, at + 8 + place * 2);
    }
  }
  const header = Buffer.from('49492a0008000000', 'hex');
  return Buffer.concat([header, directory, Buffer.from(Uint16Array.from(extra).buffer), data]);
}

/** A BigTIFF of the same: entries of 20 bytes, offsets of 8. */
export function writeBigTiff(parts: TiffParts): Buffer {
  const { data } = parts;
  const dataAt = 16 + 8 + tagsOf(parts, 0).length * 20 + 8;
  const tags = tagsOf(parts, dataAt);
  const directory = Buffer.alloc(dataAt - 16);
  directory.writeBigUInt64LE(BigInt(tags.length), 0);
  for (const [index, [tag, type, values]] of tags.entries()) {
    const at = 8 + index * 20;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeBigUInt64LE(BigInt(values.length), at + 4);
    for (const [place, value] of values.entries()) {
      if (type === long) directory.writeUInt32LE(value, at + 12);
      else directory.writeUInt16LE(value, at + 12 + place * 2);
    }
  }
  return Buffer.concat([Buffer.from('49492b00080000001000000000000000', 'hex'), directory, data]);
}
