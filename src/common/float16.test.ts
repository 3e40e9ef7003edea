// Half precision: every half there and back, landmark values of IEEE 754, rounding, overflow and underflow.
import { describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from './float16.js';

describe('float16', () => {
  it('goes from every half to float32 and back', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromFloat16(half);
      if (Number.isNaN(value)) expect(Number.isNaN(fromFloat16(toFloat16(value)))).toBe(true);
      else if (toFloat16(value) !== half) expect.fail(`${half} became ${toFloat16(value)}`);
    }
  });

  it('knows landmark values (IEEE 754, binary16)', () => {
    expect([1, -2, 65504, 2 ** -14, 2 ** -24, 0.333251953125, Infinity].map(toFloat16)).toEqual([
      0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0x7c00,
    ]);
  });

  it('rounds to the nearest, ties to even, and overflows to infinity', () => {
    for (let half = 0; half < 0x7bff; half++) {
      const [low, high] = [fromFloat16(half), fromFloat16(half + 1)];
      const middle = (low + high) / 2;
      expect(toFloat16(middle)).toBe(half % 2 === 0 ? half : half + 1);
      expect(toFloat16(middle * (1 + 2 ** -22))).toBe(half + 1);
      expect(toFloat16(middle * (1 - 2 ** -22))).toBe(half);
    }
    expect(toFloat16(65519.99)).toBe(0x7bff);
    expect(toFloat16(65520)).toBe(0x7c00);
    expect(toFloat16(1e30)).toBe(0x7c00);
    expect(toFloat16(2 ** -26)).toBe(0);
    expect(toFloat16(2 ** -25)).toBe(0);
    expect(toFloat16(2 ** -25 * 1.001)).toBe(1);
  });
});
