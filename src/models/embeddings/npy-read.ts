// Reading NumPy's array files (.npy, versions 1 to 3) with bounds: a header says no more than the bytes behind it can hold.
import { SphereFaceError } from '../../common/errors.js';
import { fromFloat16 } from '../../common/float16.js';
import { sizeOf } from '../../graph/index.js';

/** What the header of an array says. */
export interface NpyHeader {
  /** NumPy's type string: `<f4`, `<U12`, … */
  readonly descr: string;
  readonly shape: readonly number[];
  /** Where the data begin. */
  readonly dataOffset: number;
}

/** The longest header that is read; NumPy itself warns beyond 10,000 bytes. */
export const maxNpyHeader = 2 ** 16;

const magic = '\x93NUMPY';

/**
 * Reads the header at the start of `bytes`.
 * @throws SphereFaceError for what is no array file, and for arrays in Fortran's order.
 */
export function readNpyHeader(bytes: Uint8Array, path: string): NpyHeader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wrong = (got: string, expected: string): SphereFaceError =>
    new SphereFaceError(`${path} is not an array that can be read.`, { got, expected });
  if (buffer.length < 12 || buffer.toString('latin1', 0, 6) !== magic) {
    throw wrong(`bytes starting ${buffer.subarray(0, 8).toString('hex')}`, 'a .npy file of NumPy');
  }
  const version = buffer[6]!;
  if (version < 1 || version > 3) throw wrong(`version ${version}`, 'version 1, 2 or 3');
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? buffer.readUInt16LE(8) : buffer.readUInt32LE(8);
  if (length > maxNpyHeader || start + length > buffer.length) {
    throw wrong(`a header of ${length} bytes`, `at most ${Math.min(maxNpyHeader, buffer.length - start)}`);
  }
  const text = buffer.toString('latin1', start, start + length);
  const descr = /'descr'\s*:\s*'([^']{1,16})'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const tuple = /'shape'\s*:\s*\(([\d,\s]{0,64})\)/.exec(text)?.[1];
  const shape = tuple
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
  if (descr === undefined || order !== 'False' || shape === undefined || !shape.every(Number.isSafeInteger)) {
    throw wrong(text.trim().slice(0, 120), "a header with 'descr', 'shape' and 'fortran_order': False");
  }
  return { descr, shape, dataOffset: start + length };
}

const itemBytes: Readonly<Record<string, number>> = { '<f2': 2, '<f4': 4, '<f8': 8 };

/**
 * Numbers of type `<f2`, `<f4` or `<f8` as float32.
 * @throws SphereFaceError for another type, and where there are fewer bytes than the shape asks for.
 */
export function decodeFloats({ descr, shape, dataOffset }: NpyHeader, bytes: Uint8Array, path: string): Float32Array {
  const size = itemBytes[descr];
  if (size === undefined) {
    throw new SphereFaceError(`${path} holds no numbers that can be read.`, {
      got: `type ${descr}`,
      expected: Object.keys(itemBytes).join(', '),
    });
  }
  const count = checkedCount(shape, size, bytes.length - dataOffset, path);
  // A copy: numbers must lie at multiples of their size, and Buffer's own slice would be a view.
  const body = new Uint8Array(bytes.subarray(dataOffset, dataOffset + count * size)).buffer;
  switch (size) {
    case 4:
      return new Float32Array(body);
    case 8:
      return Float32Array.from(new Float64Array(body));
    default:
      return Float32Array.from(new Uint16Array(body), fromFloat16);
  }
}

/** Strings of type `<U…` (four bytes a character) or `|S…` (one byte, read as UTF-8), without the zeros they are filled up with. */
export function decodeStrings({ descr, shape, dataOffset }: NpyHeader, bytes: Uint8Array, path: string): string[] {
  const [, kind, digits] = /^(<U|\|S)(\d{1,6})$/.exec(descr) ?? [];
  const size = Number(digits) * (kind === '<U' ? 4 : 1);
  if (kind === undefined || !(size > 0)) {
    throw new SphereFaceError(`${path} holds no strings that can be read.`, {
      got: `type ${descr}`,
      expected: '<U or |S',
    });
  }
  const count = checkedCount(shape, size, bytes.length - dataOffset, path);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + dataOffset, count * size);
  return Array.from({ length: count }, (_, row) => {
    const field = view.subarray(row * size, (row + 1) * size);
    if (kind === '|S') return field.toString('utf8').replace(/\0+$/, '');
    const points: number[] = [];
    for (let at = 0; at < size; at += 4) points.push(field.readUInt32LE(at));
    while (points.at(-1) === 0) points.pop();
    const bad = points.find((point) => point > 0x10ffff);
    if (bad !== undefined)
      throw new SphereFaceError(`${path} holds a string that is none.`, { got: `character ${bad}` });
    return points.map((point) => String.fromCodePoint(point)).join('');
  });
}

function checkedCount(shape: readonly number[], size: number, available: number, path: string): number {
  const count = sizeOf(shape);
  if (count * size === available) return count;
  throw new SphereFaceError(`${path} is damaged.`, {
    got: `${available} bytes of data`,
    expected: `${count * size}, for the shape [${shape.join(', ')}] of its header`,
    next: 'copy or make the file again',
  });
}
