// The reader of TensorFlow Lite constants, on a file built by hand, and on damaged ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SphereFaceError } from '../common/errors.js';
import { readTfliteConstants } from './tflite.js';

interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Writes FlatBuffers from the root down, so that offsets count forward as the format wants. */
class Writer {
  bytes = Buffer.alloc(0);

  append(...values: number[]): number {
    const at = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, Buffer.from(Int32Array.from(values).buffer)]);
    return at;
  }

  /** A table of 32-bit fields: numbers, absent ones, or things to be written after it and pointed to. */
  table(fields: readonly (number | undefined | (() => number))[]): number {
    const vtable = Buffer.alloc(4 * Math.ceil((4 + 2 * fields.length) / 4));
    vtable.writeUInt16LE(4 + 2 * fields.length, 0);
    vtable.writeUInt16LE(4 + 4 * fields.length, 2);
    fields.forEach((field, i) => vtable.writeUInt16LE(field === undefined ? 0 : 4 + 4 * i, 4 + 2 * i));
    const vtableAt = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, vtable]);
    const at = this.append(vtable.length, ...fields.map((field) => (typeof field === 'number' ? field : 0)));
    expect(at - vtableAt).toBe(vtable.length);
    fields.forEach((field, i) => {
      if (typeof field === 'function') this.point(at + 4 + 4 * i, field());
    });
    return at;
  }

  vector(count: number, data: Uint8Array): number {
    const at = this.append(count);
    this.bytes = Buffer.concat([this.bytes, data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
    return at;
  }

  tables(list: readonly (() => number)[]): number {
    const at = this.append(list.length, ...list.map(() => 0));
    list.forEach((write, i) => {
      this.point(at + 4 + 4 * i, write());
    });
    return at;
  }

  point(from: number, to: number): void {
    this.bytes.writeUInt32LE(to - from, from);
  }
}

function buildModel(constants: readonly Constant[]): Buffer {
  const out = new Writer();
  out.append(0, 0);
  const ints = (values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer);
  const tensor =
    ({ name, shape }: Constant, i: number) =>
    () =>
      out.table([
        () => out.vector(shape.length, ints(shape)),
        undefined,
        i + 1,
        () => out.vector(Buffer.byteLength(name), Buffer.from(name)),
      ]);
  const buffer =
    ({ data }: Constant) =>
    () =>
      out.table([() => out.vector(4 * data.length, new Uint8Array(data.buffer, data.byteOffset, 4 * data.length))]);
  const root = out.table([
    3,
    undefined,
    () => out.tables([() => out.table([() => out.tables(constants.map(tensor))])]),
    undefined,
    () => out.tables([() => out.table([undefined]), ...constants.map(buffer)]),
  ]);
  out.point(0, root);
  out.bytes.write('TFL3', 4);
  return out.bytes;
}

const constants: readonly Constant[] = [
  { name: 'net/conv1/weights/read', shape: [2, 1, 1, 3], data: Float32Array.of(1, 2, 3, 4, 5, -6.5) },
  { name: 'net/conv1/Conv2D_bias', shape: [2], data: Float32Array.of(0.25, 1e-30) },
];

describe('readTfliteConstants', () => {
  it('reads names, shapes and values', () => {
    const read = readTfliteConstants(buildModel(constants));
    expect([...read.keys()]).toEqual(constants.map(({ name }) => name));
    for (const { name, shape, data } of constants) expect(read.get(name)).toEqual({ shape, data });
  });

  it('copies the values out: they do not change with the file', () => {
    const file = buildModel(constants);
    const read = readTfliteConstants(file);
    file.fill(0);
    expect(read.get(constants[0].name)!.data).toEqual(constants[0].data);
  });

  it('gives an error, and nothing else, for damaged and foreign files', () => {
    const file = buildModel(constants);
    const attempt = (bytes: Uint8Array) => {
      try {
        readTfliteConstants(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SphereFaceError);
      }
    };
    for (let length = 0; length < file.length; length++) attempt(file.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(file.length - 4), fc.integer(), (at, value) => {
        const damaged = Buffer.from(file);
        damaged.writeInt32LE(value | 0, at);
        attempt(damaged);
      }),
      { numRuns: 2000 },
    );
    expect(() => readTfliteConstants(Buffer.from('no model at all'))).toThrow(/cannot be read/);
    expect(() => readTfliteConstants(file.subarray(0, file.length - 8))).toThrow(/outside/);
  });
});
