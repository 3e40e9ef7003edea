// Ranks that tell each other what failed and what differs.
import { describe, expect, it } from 'vitest';
import { SphereFaceError } from '../common/errors.js';
import { assertSameOnAllRanks, gatherValues, localGroup, onAnyRank, OtherRankError, together } from './index.js';

describe('ranks that agree', () => {
  it('know the values of all, of any size', async () => {
    const values = await Promise.all(
      localGroup(3).map((c) => gatherValues(c, { rank: c.rank, text: 'ß'.repeat(c.rank) })),
    );
    const expected = [0, 1, 2].map((rank) => ({ rank, text: 'ß'.repeat(rank) }));
    expect(values).toEqual([expected, expected, expected]);
  });

  it('hear that one of them wants to stop', async () => {
    const asked = (rank: number | undefined) => Promise.all(localGroup(3).map((c) => onAnyRank(c, c.rank === rank)));
    expect(await asked(2)).toEqual([true, true, true]);
    expect(await asked(undefined)).toEqual([false, false, false]);
  });

  it('stop together when some fail, and the first of those says why', async () => {
    const work = (rank: number) =>
      rank === 0 ? Promise.resolve('done') : Promise.reject(new SphereFaceError(`No data here, ${rank}.`));
    const outcomes = await Promise.allSettled(localGroup(3).map((c) => together(c, () => work(c.rank))));
    const errors = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as Error);
    expect(errors.map((error) => error instanceof OtherRankError)).toEqual([true, false, true]);
    expect(errors[1].message).toBe('No data here, 1.');
    expect(errors[0].message).toMatch(/Rank 1 on here failed\.\n {2}got: No data here, 1/);
    expect(await Promise.all(localGroup(2).map((c) => together(c, () => Promise.resolve(c.rank))))).toEqual([0, 1]);
  });

  it('say which of them differ, and in what', async () => {
    const check = (versions: readonly string[]) =>
      Promise.all(
        localGroup(3).map((c) => assertSameOnAllRanks(c, { data: 'a', 'package version': versions[c.rank] })),
      );
    await expect(check(['1', '1', '2'])).rejects.toThrow(
      /same package version\.\n {2}got: 1 on rank 0 on here, 2 on rank 2 on here\n/,
    );
    await expect(check(['1', '3', '2'])).rejects.toThrow(/3 on rank 1 on here, and 1 other ranks differ/);
    await check(['1', '1', '1']);
  });
});
