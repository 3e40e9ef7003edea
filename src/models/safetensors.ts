// The safetensors file format: named tensors as an 8-byte header length, a JSON header and the raw bytes. Read with bounds, nothing executed.
import { SphereFaceError } from '../common/errors.js';
import { sizeOf } from '../graph/index.js';

/** A float32 tensor: row-major data and its shape. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The data alone, by name. */
export function dataOf(tensors: ReadonlyMap<string, Tensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, { data }]) => [name, data]));
}

/** Headers larger than this are refused, as the reference implementation does. */
const maximumHeader = 100_000_000;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The bytes before the data of tensors of these shapes, in the order of their names; data starts at a multiple of 8 bytes. */
export function safetensorsHeader(
  shapes: ReadonlyMap<string, readonly number[]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const name of [...shapes.keys()].sort()) {
    const shape = shapes.get(name)!;
    const end = offset + 4 * sizeOf(shape);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8);
  bytes.set(text, 8);
  return bytes;
}

/** A file of float32 tensors in its parts, in the order of their names. The data are not copied. */
export function* safetensorsParts(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  yield safetensorsHeader(new Map([...tensors].map(([name, { shape }]) => [name, shape])), metadata);
  for (const name of [...tensors.keys()].sort()) yield bytesOf(tensors.get(name)!.data);
}

/** The same as one piece of memory. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = [...safetensorsParts(tensors, metadata)];
  const bytes = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Where a tensor lies in a file. */
export interface TensorPlace {
  readonly shape: readonly number[];
  /** Of its first byte in the file. */
  readonly offset: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  readonly places: ReadonlyMap<string, TensorPlace>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The length of the header, from the first 8 bytes of a file of `fileLength` bytes.
 * @param path names the file in errors.
 * @throws SphereFaceError when there is no such header.
 */
export function headerLengthOf(start: Uint8Array, fileLength: number, path: string): number {
  if (start.length < 8) throw invalid(path, `${start.length} bytes`);
  const length = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  if (length > maximumHeader || 8 + length > fileLength) {
    throw invalid(path, `a header of ${length} bytes in a file of ${fileLength}`);
  }
  return length;
}

/**
 * Reads the header of a file of `fileLength` bytes.
 * @throws SphereFaceError when it is not what the format says, the file is cut off, or a tensor is not float32.
 */
export function parseHeader(text: Uint8Array, fileLength: number, path: string): SafetensorsHeader {
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder().decode(text)) as Record<string, unknown>;
  } catch {
    throw invalid(path, 'a header that is no JSON');
  }
  if (typeof header !== 'object' || header === null) throw invalid(path, 'a header that is no object');
  const body = 8 + text.length;
  const places = new Map<string, TensorPlace>();
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(value as object)) metadata[key] = String(text);
      continue;
    }
    if (!isEntry(value)) throw invalid(path, `an entry for ${name} without dtype, shape and data_offsets`);
    if (value.dtype !== 'F32') throw invalid(path, `${name} of type ${value.dtype}; only F32 is read`);
    const [start, end] = value.data_offsets;
    if (start > end || body + end > fileLength || end - start !== sizeOf(value.shape) * 4) {
      const where = `at bytes ${start} to ${end} of ${fileLength - body}`;
      throw invalid(path, `${name} [${value.shape.join(', ')}] ${where}`);
    }
    places.set(name, { shape: value.shape, offset: body + start });
  }
  return { places, metadata };
}

/**
 * Reads a safetensors file of float32 tensors.
 * @param path names the file in errors.
 * @throws SphereFaceError when the file is cut off, its header is not what the format says, or a tensor is not float32.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  path = 'The safetensors file',
): {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
} {
  const length = headerLengthOf(bytes, bytes.length, path);
  const { places, metadata } = parseHeader(bytes.subarray(8, 8 + length), bytes.length, path);
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape, offset }] of places) {
    // A copy (Buffer's slice is none): the bytes need not lie on a 4-byte boundary, and must not keep the whole file alive.
    const data = new Float32Array(sizeOf(shape));
    bytesOf(data).set(bytes.subarray(offset, offset + data.byteLength));
    tensors.set(name, { shape, data });
  }
  return { tensors, metadata };
}

/** The memory of float32 data. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function invalid(path: string, got: string): SphereFaceError {
  return new SphereFaceError(`${path} is not valid.`, {
    got,
    next: 'the file may be cut off: copy it again, or use an earlier checkpoint',
  });
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, shape, data_offsets: offsets } = value as Partial<Entry>;
  const natural = (item: unknown) => Number.isSafeInteger(item) && (item as number) >= 0;
  return (
    typeof dtype === 'string' &&
    Array.isArray(shape) &&
    shape.every(natural) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(natural)
  );
}
