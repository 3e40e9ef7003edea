// Every form of pair file, what is refused, and how images are found.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePairs, resolvePairs } from './pairs.js';

describe('LFW pair files', () => {
  it.each(['\t', ' '])('reads view 1 separated by %j', (s) => {
    const text = ['2', ['Ann', 1, 2], ['Bo', 3, 12], ['Ann', 1, 'Bo', 2], ['Bo', 1, 'Cy_Di', 7], ['Cy_Di', 1, 'Ann', 2]]
      .map((line) => (typeof line === 'string' ? line : line.join(s)))
      .join('\r\n');
    const { format, pairs, folds } = parsePairs(text, 'pairsDev.txt');
    expect([format, folds]).toEqual(['lfw', undefined]);
    expect(pairs.map((pair) => pair.same)).toEqual([true, true, false, false, false]);
    expect(pairs[1]).toEqual({ line: 3, a: 'Bo/Bo_0003', b: 'Bo/Bo_0012', same: true });
    expect(pairs[3]).toEqual({ line: 5, a: 'Bo/Bo_0001', b: 'Cy_Di/Cy_Di_0007', same: false });
  });

  it('reads the folds of view 2', () => {
    const fold = ['A 1 2', 'B 1 2', 'A 1 C 1', 'B 1 C 2'];
    const { pairs, fold: of, folds } = parsePairs(['3 2', ...fold, ...fold, ...fold].join('\n'), 'pairs.txt');
    expect([pairs.length, folds, [...of!]]).toEqual([12, 3, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]]);
  });

  it('knows the 6,000 pairs of view 2 without their first line, as the published system reads them', () => {
    const line = (i: number): string => (i % 600 < 300 ? 'A 1 2' : 'A 1 B 1');
    const { fold, folds } = parsePairs(Array.from({ length: 6000 }, (_, i) => line(i)).join('\n'), 'pairs.txt');
    expect([folds, fold![599], fold![600], fold![5999]]).toEqual([10, 0, 1, 9]);
  });

  it('refuses files that break their own announcement, naming the line', () => {
    expect(() => parsePairs('2\nA 1 2\nA 1 B 1', 'p.txt')).toThrow(/1 matched pairs/);
    expect(() => parsePairs('1 2\nA 1 2\nA 1 B 1\nA 1 3\nA 1 B 2', 'p.txt')).toThrow(/line 3/);
    expect(() => parsePairs('1 2\nA 1 2\nA 1 3\nA 1 B 2', 'p.txt')).toThrow(/got: 3 pairs/);
    expect(() => parsePairs('1\nA one 2', 'p.txt')).toThrow(/p.txt, line 2/);
  });

  const shared = new URL('../../../shared/data/', import.meta.url);
  it.skipIf(!existsSync(shared))('reads view 1 itself (skipped where ../shared is absent)', () => {
    for (const [name, count] of [
      ['pairsDevTrain.txt', 1100],
      ['pairsDevTest.txt', 500],
    ] as const) {
      const { pairs } = parsePairs(readFileSync(new URL(name, shared), 'utf8'), name);
      expect(pairs.filter((pair) => pair.same).length).toBe(count);
      expect(pairs.length).toBe(2 * count);
    }
  });
});

describe('generic pair files', () => {
  it('reads paths and labels, with comments, blank lines and spaces in paths', () => {
    const text = '# mine\na/1.jpg b/2.jpg 0\n\nmy dir/1.jpg\tmy dir/2.jpg\tsame\nc d different\n';
    expect(parsePairs(text, 'list.txt')).toEqual({
      format: 'list',
      pairs: [
        { line: 2, a: 'a/1.jpg', b: 'b/2.jpg', same: false },
        { line: 4, a: 'my dir/1.jpg', b: 'my dir/2.jpg', same: true },
        { line: 5, a: 'c', b: 'd', same: false },
      ],
    });
  });

  it('refuses other labels and counts of columns', () => {
    expect(() => parsePairs('a.jpg b.jpg 2', 'list.txt')).toThrow(/line 1 is not a pair/);
    expect(() => parsePairs('a.jpg b.jpg', 'list.txt')).toThrow(/label/);
    expect(() => parsePairs(' \n', 'list.txt')).toThrow(/no pairs/);
  });
});

describe('finding images', () => {
  const pair = (a: string, b: string) => ({ line: 1, a, b, same: true });

  it('takes exact paths, and paths without extension', () => {
    const found = resolvePairs([pair('A/A_0001', 'A/A_0002.png')], ['A/A_0001.jpg', 'A/A_0002.png']);
    expect([[...found.left], [...found.right], found.missing]).toEqual([[0], [1], []]);
  });

  it('lists pairs whose images are missing and keeps the rest', () => {
    const pairs = [pair('x', 'y'), pair('a', 'y'), pair('a', 'b')];
    const { kept, missing } = resolvePairs(pairs, ['a.jpg', 'b.jpg']);
    expect([...kept]).toEqual([2]);
    expect(missing.map(({ reason }) => reason)).toEqual(['no image x and y', 'no image y']);
  });

  it('refuses a name that two files could have', () => {
    expect(() => resolvePairs([pair('a', 'b')], ['a.jpg', 'a.png', 'b.jpg'])).toThrow(/a.jpg, a.png/);
  });
});
