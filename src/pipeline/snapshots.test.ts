// Which snapshot is the best.
import { describe, expect, it } from 'vitest';
import { bestOf } from './snapshots.js';

describe('the best of some snapshots', () => {
  const at = (iteration: number, accuracy: number) => ({ iteration, accuracy });
  it.each([
    [[at(1, 0.7), at(2, 0.8), at(3, 0.75)], 2],
    [[at(1, 0.75), at(2, 0.75)], 2],
    // Equal but for rounding, in any order.
    [[at(1, 0.75), at(2, 0.7499999999999999)], 2],
    [[at(2, 0.7499999999999999), at(1, 0.75)], 2],
    [[at(1, 0.75), at(2, 0.7499)], 1],
  ])('of %j is that of iteration %i: of equal ones the latest', (snapshots, best) => {
    expect(bestOf(snapshots).iteration).toBe(best);
  });
});
