// The order of names: total, with numbers by their value, and the two Unicode forms of a name as one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareNames, normaliseName } from './names.js';

/** Names of few different characters, so that prefixes, equal numbers, leading zeros and both Unicode forms are met often. */
const name = fc
  .array(fc.constantFrom('0', '1', '9', 'a', 'B', '-', '!', '\u00e9', 'e\u0301', '\u{1f600}', '\ud800', '٣'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

describe('compareNames', () => {
  it('is a total order in which only equal names are equal', () => {
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        const sign = (x: string, y: string): number => Math.sign(compareNames(x, y));
        expect(sign(a, b)).toBe(0 - sign(b, a));
        expect(sign(a, b) === 0).toBe(a === b);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 20_000 },
    );
  });

  it('counts digits as one number, of any length', () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 40n });
    fc.assert(
      fc.property(digits, digits, (a, b) => {
        expect(Math.sign(compareNames(`id${a}x`, `id${b}x`))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it.each([
    [
      ['11', '2', '10', '0', '1', '9'],
      ['0', '1', '2', '9', '10', '11'],
    ],
    [
      ['p10', 'p1', 'p', 'p2', 'p1a', 'pa'],
      ['p', 'p1', 'p1a', 'p2', 'p10', 'pa'],
    ],
    [
      ['1', '01', '001', '02'],
      ['001', '01', '1', '02'],
    ],
    [
      ['a!', 'a1', 'a', 'A'],
      ['A', 'a', 'a1', 'a!'],
    ],
    // NFD sorts where NFC does, not between "e" and "f".
    [
      ['zoe\u0301', 'zoe', 'zof'],
      ['zoe', 'zof', 'zoe\u0301'],
    ],
  ])('orders %j', (names, ordered) => {
    expect([...names].sort(compareNames)).toEqual(ordered);
  });
});

describe('normaliseName', () => {
  it('makes one name of both Unicode forms', () => {
    expect(normaliseName('Zoe\u0308')).toBe('Zo\u00eb');
    expect(normaliseName('Zo\u00eb')).toBe('Zo\u00eb');
  });
});
