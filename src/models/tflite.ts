// Reads the constant float32 tensors of a TensorFlow Lite model, by name: only what fetching published weights needs.
import { SphereFaceError } from '../common/errors.js';
import { sizeOf } from '../graph/index.js';

/** A constant of the model; the last dimension is contiguous. */
export interface TfliteTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

// Slots of the tables in TensorFlow Lite's schema (tensorflow/lite/schema/schema.fbs, version 3).
const modelSlots = { subgraphs: 2, buffers: 4 } as const;
const subgraphSlots = { tensors: 0 } as const;
const tensorSlots = { shape: 0, type: 1, buffer: 2, name: 3 } as const;
const bufferSlots = { data: 0 } as const;
/** TensorType.FLOAT32 */
const float32Type = 0;

/** More entries than this in one list mean a damaged file. */
const maxListLength = 100_000;

/**
 * The float32 constants of the model's first subgraph. Every offset is checked against the file, so a damaged or hostile
 * file gives an error and nothing else.
 */
export function readTfliteConstants(bytes: Uint8Array): ReadonlyMap<string, TfliteTensor> {
  const buffer = new FlatBuffer(bytes);
  if (buffer.text(4, 4) !== 'TFL3') throw damaged('the file does not start like a TensorFlow Lite model');
  const model = buffer.follow(0);
  const buffers = buffer.tables(model, modelSlots.buffers);
  const subgraph = buffer.tables(model, modelSlots.subgraphs)[0];
  if (subgraph === undefined) throw damaged('the model has no graph');
  const constants = new Map<string, TfliteTensor>();
  for (const tensor of buffer.tables(subgraph, subgraphSlots.tensors)) {
    const type = buffer.field(tensor, tensorSlots.type);
    const index = buffer.field(tensor, tensorSlots.buffer);
    if ((type !== undefined && buffer.uint8(type) !== float32Type) || index === undefined) continue;
    const data = buffers[buffer.uint32(index)];
    const values = data === undefined ? undefined : buffer.vector(data, bufferSlots.data, 1);
    if (values === undefined || values.length === 0) continue;
    const dims = buffer.vector(tensor, tensorSlots.shape, 4);
    const shape = Array.from({ length: dims?.length ?? 0 }, (_, i) => buffer.int32(dims!.start + 4 * i));
    if (sizeOf(shape) * 4 !== values.length) {
      throw damaged(`a tensor of shape [${shape.join(', ')}] holds ${values.length} bytes`);
    }
    const name = buffer.vector(tensor, tensorSlots.name, 1);
    const floats = new Float32Array(values.length / 4);
    new Uint8Array(floats.buffer).set(bytes.subarray(values.start, values.start + values.length));
    constants.set(name === undefined ? '' : buffer.text(name.start, name.length), { shape, data: floats });
  }
  return constants;
}

interface Span {
  readonly start: number;
  readonly length: number;
}

/** Bounds-checked reading of the FlatBuffers wire format. */
class FlatBuffer {
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(at: number): number {
    return this.view.getUint8(this.within(at, 1));
  }

  int32(at: number): number {
    return this.view.getInt32(this.within(at, 4), true);
  }

  uint32(at: number): number {
    return this.view.getUint32(this.within(at, 4), true);
  }

  text(at: number, length: number): string {
    this.within(at, length);
    return new TextDecoder().decode(this.bytes.subarray(at, at + length));
  }

  /** The position that the offset stored at `at` points to. */
  follow(at: number): number {
    return at + this.uint32(at);
  }

  /** Where field number `slot` of the table lies; `undefined` when it is left out. */
  field(table: number, slot: number): number | undefined {
    const vtable = table - this.int32(table);
    const size = this.view.getUint16(this.within(vtable, 2), true);
    const entry = 4 + 2 * slot;
    if (entry + 2 > size) return undefined;
    const offset = this.view.getUint16(this.within(vtable + entry, 2), true);
    return offset === 0 ? undefined : table + offset;
  }

  /** The elements of a vector field: their start and number, checked to lie in the file. */
  vector(table: number, slot: number, width: number): Span | undefined {
    const at = this.field(table, slot);
    if (at === undefined) return undefined;
    const start = this.follow(at);
    const length = this.uint32(start);
    this.within(start + 4, length * width);
    return { start: start + 4, length };
  }

  /** The tables of a vector of tables. */
  tables(table: number, slot: number): number[] {
    const span = this.vector(table, slot, 4) ?? { start: 0, length: 0 };
    if (span.length > maxListLength) throw damaged(`a list of ${span.length} entries`);
    return Array.from({ length: span.length }, (_, i) => this.follow(span.start + 4 * i));
  }

  private within(at: number, length: number): number {
    if (at < 0 || at + length > this.bytes.length)
      throw damaged(`an offset ${at} outside of ${this.bytes.length} bytes`);
    return at;
  }
}

function damaged(got: string): SphereFaceError {
  return new SphereFaceError('The TensorFlow Lite model cannot be read.', { got, next: 'fetch the file again' });
}
