// Which rows of a classifier take part in a pass: the wanted ones, every other one as often, the same for the same seed.
import { describe, expect, it } from 'vitest';
import { RowSampler } from './row-sampler.js';

const here = { rank: 1, size: 4 };

describe('RowSampler', () => {
  it.each([0.1, 0.5, 0.9])('takes the wanted rows and others, all different and ascending: rate %d', (rate) => {
    const sampler = new RowSampler(1000, rate, 16, 7);
    const wanted = [3, 999, 3, 500];
    const rows = [...sampler.draw(wanted, { pass: 5, ...here })];
    expect(rows).toHaveLength(1000 * rate);
    expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
    expect(rows).toEqual(expect.arrayContaining(wanted));
    expect(rows[0] >= 0 && rows.at(-1)! < 1000).toBe(true);
  });

  it.each([0.2, 0.7])('takes every other row as often: rate %d', (rate) => {
    const sampler = new RowSampler(50, rate, 4, 1);
    const passes = 4000;
    const counts = new Array<number>(50).fill(0);
    for (let pass = 0; pass < passes; pass++) for (const row of sampler.draw([7], { pass, ...here })) counts[row]++;
    expect(counts[7]).toBe(passes);
    // Binomial: 5 standard deviations, which one of 49 rows passes with probability 3e-5.
    const share = (50 * rate - 1) / 49;
    const spread = 5 * Math.sqrt(passes * share * (1 - share));
    for (const [row, count] of counts.entries()) {
      if (row !== 7) expect(Math.abs(count - passes * share), `row ${row}`).toBeLessThan(spread);
    }
  });

  it('draws the same for the same seed, pass and rank, and something else for another', () => {
    const draw = (seed: number, pass: number, rank: number) =>
      new RowSampler(500, 0.1, 4, seed).draw([1], { pass, rank, size: 4 });
    expect(draw(3, 2, 1)).toEqual(draw(3, 2, 1));
    for (const other of [draw(4, 2, 1), draw(3, 3, 1), draw(3, 2, 2)]) expect(other).not.toEqual(draw(3, 2, 1));
  });

  it('takes at least a row for each image, and no more than there are', () => {
    expect(new RowSampler(100, 0.01, 32, 1).count).toBe(32);
    expect(new RowSampler(20, 0.01, 32, 1)).toMatchObject({ count: 20, takesAll: true });
  });
});
