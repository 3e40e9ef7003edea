// Holding people out: disjoint identities, balanced pairs that depend on the seed alone, sets too small, and a file that reads back.
import { describe, expect, it } from 'vitest';
import type { ImageEntry } from '../../images/index.js';
import { formatPairs, holdOut, parsePairs } from './index.js';

function people(counts: readonly number[]): ImageEntry[] {
  return counts.flatMap((count, person) =>
    Array.from({ length: count }, (_, i) => ({ identity: `p${person}`, file: `p${person}/${i} .jpg` })),
  );
}

const identityOf = (file: string) => file.split('/')[0];

describe('holdOut', () => {
  const entries = people(Array.from({ length: 20 }, (_, i) => 3 + (i % 5)));
  const divided = holdOut(entries, { share: 0.25, pairsOfEachKind: 40, seed: 3 });

  it('divides the identities', () => {
    expect(divided.heldOut).toHaveLength(5);
    expect([...divided.training, ...divided.heldOut].sort()).toEqual(
      [...new Set(entries.map((e) => e.identity))].sort(),
    );
  });

  it('draws as many matched as mismatched pairs, of held-out identities only, none twice', () => {
    const keys = new Set<string>();
    let matched = 0;
    for (const { a, b, same } of divided.pairs) {
      expect(same).toBe(identityOf(a) === identityOf(b));
      expect(divided.heldOut).toContain(identityOf(a));
      expect(divided.heldOut).toContain(identityOf(b));
      expect(a).not.toBe(b);
      keys.add([a, b].sort().join('|'));
      if (same) matched++;
    }
    expect(keys.size).toBe(divided.pairs.length);
    expect(matched * 2).toBe(divided.pairs.length);
    expect(matched).toBeGreaterThan(20);
  });

  it('takes matched pairs from all held-out people evenly', () => {
    const { pairs, heldOut } = holdOut(people(Array.from({ length: 16 }, () => 9)), { pairsOfEachKind: 30, seed: 1 });
    const counts = heldOut.map((name) => pairs.filter(({ a, same }) => same && identityOf(a) === name).length);
    // 30 pairs of four people who have 36 each.
    expect(counts.sort()).toEqual([7, 7, 8, 8]);
  });

  it('depends on the seed alone', () => {
    expect(holdOut([...entries].reverse(), { pairsOfEachKind: 40, seed: 3 }).heldOut).toEqual(divided.heldOut);
    expect(holdOut(entries, { pairsOfEachKind: 40, seed: 3 })).toEqual(divided);
    expect(holdOut(entries, { pairsOfEachKind: 40, seed: 4 }).heldOut).not.toEqual(divided.heldOut);
  });

  it('takes all there are where fewer pairs exist than asked for', () => {
    const { pairs } = holdOut(people([2, 2, 2, 2]), { share: 0.5, pairsOfEachKind: 1000, seed: 1 });
    // Two people with one matched pair each; four mismatched pairs, of which two balance them.
    expect(pairs.filter(({ same }) => same)).toHaveLength(2);
    expect(pairs.filter(({ same }) => !same)).toHaveLength(2);
  });

  it('refuses sets that are too small, and says what is missing', () => {
    expect(() => holdOut(people([4, 4, 4]))).toThrow(/too few identities/);
    expect(() => holdOut(people([1, 1, 1, 1, 1]))).toThrow(/matched pair/);
  });
});

describe('formatPairs', () => {
  it('is what the evaluation reads, spaces in paths included', () => {
    const { pairs } = holdOut(people([3, 3, 3, 3, 3]), { seed: 2 });
    const read = parsePairs(formatPairs(pairs), 'pairs.txt');
    expect(read.format).toBe('list');
    expect(read.pairs.map(({ a, b, same }) => ({ a, b, same }))).toEqual(pairs);
  });
});
