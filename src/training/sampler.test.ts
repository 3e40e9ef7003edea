// The order of images: every image or identity as often as it should be, repeatable, and continued from a stored state.
import { describe, expect, it } from 'vitest';
import { Sampler } from './sampler.js';

/** 3, 1 and 6 images of three identities. */
const labels = [0, 0, 0, 1, 2, 2, 2, 2, 2, 2];

describe('Sampler', () => {
  it('shuffle: every image once an epoch, in another order each time, the same for the same seed', () => {
    const draw = (seed: number) => {
      const sampler = new Sampler('shuffle', labels, seed);
      return [1, 2, 3].map(() => sampler.next(10).map(({ index }) => index));
    };
    const epochs = draw(4);
    for (const epoch of epochs) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[1]).not.toEqual(epochs[0]);
    expect(draw(4)).toEqual(epochs);
    expect(draw(5)).not.toEqual(epochs);
  });

  it('balanced: every identity equally often', () => {
    const sampler = new Sampler('balanced', labels, 1);
    const counts = [0, 0, 0];
    for (const { index } of sampler.next(9)) counts[labels[index]]++;
    expect(counts).toEqual([3, 3, 3]);
  });

  it.each(['shuffle', 'balanced'] as const)('%s: continues from a stored state, also across epochs', (kind) => {
    const sampler = new Sampler(kind, labels, 2);
    sampler.next(17);
    const state = JSON.parse(JSON.stringify(sampler.state)) as typeof sampler.state;
    const expected = sampler.next(25);
    const other = new Sampler(kind, labels, 99);
    other.restore(state);
    expect(other.next(25)).toEqual(expected);
  });

  it('refuses a state of other data, and no data', () => {
    const state = { ...new Sampler('shuffle', labels, 1).state, position: 11 };
    expect(() => new Sampler('shuffle', labels, 1).restore(state)).toThrow(/image 11.*0 to 10/s);
    expect(() => new Sampler('shuffle', [], 1)).toThrow(/no images/);
  });
});
