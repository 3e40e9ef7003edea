// The safetensors file format: named tensors as an 8-byte header length, a JSON header and the raw bytes. Read with bounds, nothing executed.
import { SphereFaceError } from '../common/errors.js';

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

/** Writes float32 tensors, in the order of their names. The header is padded so that data starts at a multiple of 8 bytes. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const names = [...tensors.keys()].sort();
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors.get(name)!;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8, 8 + headerLength);
  bytes.set(text, 8);
  let at = 8 + headerLength;
  for (const name of names) {
    const { data } = tensors.get(name)!;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
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
  const fail = (what: string): never => {
    throw new SphereFaceError(`${path} is not valid.`, {
      got: what,
      next: 'the file may be cut off: copy it again, or use an earlier checkpoint',
    });
  };
  if (bytes.length < 8) return fail(`${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > maximumHeader || 8 + headerLength > bytes.length) {
    return fail(`a header of ${headerLength} bytes in a file of ${bytes.length}`);
  }
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as Record<string, unknown>;
  } catch {
    return fail('a header that is no JSON');
  }
  if (typeof header !== 'object' || header === null) return fail('a header that is no object');
  const body = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, Tensor>();
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(value as object)) metadata[key] = String(text);
      continue;
    }
    if (!isEntry(value)) return fail(`an entry for ${name} without dtype, shape and data_offsets`);
    if (value.dtype !== 'F32') return fail(`${name} of type ${value.dtype}; only F32 is read`);
    const [start, end] = value.data_offsets;
    const size = value.shape.reduce((product, dim) => product * dim, 1);
    if (start > end || end > body.length || end - start !== size * 4) {
      return fail(`${name} [${value.shape.join(', ')}] at bytes ${start} to ${end} of ${body.length}`);
    }
    // A copy (Buffer's slice is none): the bytes need not lie on a 4-byte boundary, and must not keep the whole file alive.
    const data = new Float32Array(size);
    new Uint8Array(data.buffer).set(body.subarray(start, end));
    tensors.set(name, { shape: value.shape, data });
  }
  return { tensors, metadata };
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
