// The random factors of dropout: the same for the same seed and pass, others for others, and right on average.
import { describe, expect, it } from 'vitest';
import { dropoutFactors } from './dropout.js';

const masks = [
  { name: 'a', shape: [100, 200], ratio: 0.4 },
  { name: 'b', shape: [7], ratio: 0.5 },
] as const;

describe('dropout factors', () => {
  it('are 0 or 1 / (1 − ratio), in the right shares', () => {
    const factors = dropoutFactors(masks, 3, 12).get('a')!;
    expect(new Set(factors)).toEqual(new Set([0, Math.fround(1 / 0.6)]));
    // The share of 20,000 draws has a standard deviation of 0.0035.
    expect(factors.filter((factor) => factor === 0).length / factors.length).toBeCloseTo(0.4, 1.8);
  });

  it('depend on seed and pass alone', () => {
    const of = (seed: number, pass: number) => dropoutFactors(masks, seed, pass);
    expect(of(3, 12)).toEqual(of(3, 12));
    for (const other of [of(3, 13), of(4, 12)]) {
      const equal = other.get('a')!.filter((factor, i) => factor === of(3, 12).get('a')![i]).length;
      // Independent factors agree with probability 0.4² + 0.6².
      expect(equal / 20_000).toBeCloseTo(0.52, 1.6);
    }
  });
});
