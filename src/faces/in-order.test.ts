// Work done side by side: results in order, never more at once than the limit, and an end at the first failure.
import { describe, expect, it } from 'vitest';
import { inOrder } from './in-order.js';

describe('inOrder', () => {
  it('keeps the order and the limit, and stops at a failure', async () => {
    let [underWay, most] = [0, 0];
    const work = async (i: number) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, (7 * i) % 5));
      underWay--;
      if (i === 20) throw new Error('twenty');
      return i;
    };
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const i of inOrder(Array.from({ length: 40 }).keys(), 4, work)) seen.push(i);
      })(),
    ).rejects.toThrow('twenty');
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(most).toBe(4);
    expect(underWay).toBe(0);
  });
});
