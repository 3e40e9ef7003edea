// IEEE 754 half precision as 16-bit patterns: conversion from and to float32, which Node 20 has no typed array for.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The half nearest to `value` (ties to even); beyond ±65,504 infinity. */
export function toFloat16(value: number): number {
  float[0] = value;
  const pattern = bits[0]!;
  const sign = (pattern >>> 16) & 0x8000;
  const exponent = (pattern >>> 23) & 0xff;
  const fraction = pattern & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const half = exponent - 112;
  if (half >= 31) return sign | 0x7c00;
  if (half <= 0) {
    // Below 2^-14 halves are subnormal: multiples of 2^-24.
    if (half < -10) return sign;
    return sign | roundShift(fraction | 0x800000, 14 - half);
  }
  // A carry out of the fraction moves the exponent up, which is what rounding up means; past the last one it is infinity.
  return sign | ((half << 10) + roundShift(fraction, 13));
}

/** The value of a half. */
export function fromFloat16(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let table: Float32Array | undefined;

/** The value of every half, by its pattern: for many at a time. */
export function float16Values(): Float32Array {
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => fromFloat16(half));
  return table;
}

function roundShift(value: number, shift: number): number {
  const floor = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (floor & 1) === 1) ? floor + 1 : floor;
}
