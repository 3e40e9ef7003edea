// Cosines and mean directions against values by hand, and vectors that have none.
import { describe, expect, it } from 'vitest';
import { cosine, meanDirection } from './cosine.js';

describe('cosine', () => {
  it('is that of the angle, whatever the lengths', () => {
    expect(cosine([1, 0], [5, 0])).toBe(1);
    expect(cosine(Float32Array.of(1, 0), Float32Array.of(-2, 0))).toBe(-1);
    expect(cosine([3, 4], [4, 3])).toBeCloseTo(24 / 25, 15);
    expect(cosine([1e-20, 1e-20], [1e20, 0])).toBeCloseTo(Math.SQRT1_2, 15);
  });

  it('refuses what has no angle', () => {
    expect(() => cosine([1], [1, 2])).toThrow(/two lengths[^]*1 and 2 values/);
    expect(() => cosine([0, 0], [1, 2])).toThrow(/no direction[^]*lengths 0 and/);
    expect(() => cosine([NaN, 0], [1, 2])).toThrow(/no direction/);
  });
});

describe('the mean direction', () => {
  it('counts every embedding alike and has length 1', () => {
    const mean = meanDirection([
      [100, 0],
      [0, 0.01],
    ]);
    expect(Array.from(mean)).toEqual([Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)]);
  });

  it('refuses nothing, zeros, and what cancels out', () => {
    expect(() => meanDirection([])).toThrow(/no mean direction[^]*0 embeddings/);
    expect(() => meanDirection([[0, 0]])).toThrow(/no mean direction/);
    expect(() =>
      meanDirection([
        [1, 0],
        [-2, 0],
      ]),
    ).toThrow(/no mean direction/);
  });
});
