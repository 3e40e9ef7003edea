// Safetensors: bits that come back, the layout of the format, and files that are cut or lie.
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type Tensor } from './safetensors.js';

const tensors = new Map<string, Tensor>([
  ['b', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, Infinity, 1e-40) }],
  ['a.weight', { shape: [], data: Float32Array.of(7) }],
  ['empty', { shape: [0, 4], data: new Float32Array() }],
]);

describe('safetensors', () => {
  it('gives back the bits it was given', () => {
    const { tensors: read, metadata } = decodeSafetensors(encodeSafetensors(tensors, { kind: 'test' }));
    expect([...read.keys()]).toEqual(['a.weight', 'b', 'empty']);
    for (const [name, tensor] of tensors) expect(read.get(name)).toEqual(tensor);
    expect(metadata).toEqual({ kind: 'test' });
  });

  it('has the layout of the format: little-endian length, JSON, data from a multiple of 8', () => {
    const bytes = encodeSafetensors(new Map([['x', { shape: [1], data: Float32Array.of(1) }]]));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      __metadata__: {},
      x: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    });
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  it('refuses every cut, and headers that lie', () => {
    const whole = encodeSafetensors(tensors);
    for (let length = 0; length < whole.length; length += 3) {
      expect(() => decodeSafetensors(whole.subarray(0, length)), `${length} bytes`).toThrow(/not valid/);
    }
    const withHeader = (header: unknown) => {
      const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
      const bytes = new Uint8Array(8 + text.length + 16);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
      bytes.set(text, 8);
      return bytes;
    };
    const liars: unknown[] = [
      'no json',
      'null',
      { x: { dtype: 'F32', shape: [4], data_offsets: [8, 24] } },
      { x: { dtype: 'F32', shape: [4], data_offsets: [0, 8] } },
      { x: { dtype: 'F32', shape: [-4], data_offsets: [0, 16] } },
      { x: { dtype: 'F32', shape: [1e200, 1e200], data_offsets: [0, 16] } },
      { x: { dtype: 'F64', shape: [2], data_offsets: [0, 16] } },
      { x: 5 },
    ];
    for (const header of liars) expect(() => decodeSafetensors(withHeader(header))).toThrow(/not valid/);
  });
});
