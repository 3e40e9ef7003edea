// The scale of the loss: halved at overflows, doubled after sound steps, bounded, and left alone where it cannot help.
import { describe, expect, it } from 'vitest';
import { LossScaling } from './loss-scaling.js';

const sound = new Map([
  ['conv1_1.weight', 3],
  ['fc6.weight', 0],
]);
const overflowed = new Map([...sound, ['conv1_1.weight', Infinity]]);

describe('LossScaling', () => {
  it('halves the scale at an overflow, and doubles it after 2,000 steps without one', () => {
    const scaling = new LossScaling();
    expect(scaling.scale).toBe(65536);
    expect(scaling.judge(2, overflowed)).toBe('overflow');
    expect(scaling.judge(2, new Map([['w', NaN]]))).toBe('overflow');
    expect(scaling.scale).toBe(16384);
    for (let i = 0; i < 1999; i++) expect(scaling.judge(2, sound)).toBe('sound');
    expect(scaling.scale).toBe(16384);
    scaling.judge(2, sound);
    expect(scaling.state).toEqual({ scale: 32768, steps: 0 });
  });

  it('goes on from a state', () => {
    const scaling = new LossScaling({ scale: 8, steps: 1999 });
    scaling.judge(2, sound);
    expect(scaling.state).toEqual({ scale: 16, steps: 0 });
  });

  it('leaves to the guard what no scale can help: a loss that is not finite, gradients that are not even at 1', () => {
    const scaling = new LossScaling({ scale: 2, steps: 0 });
    expect(scaling.judge(NaN, overflowed)).toBe('sound');
    expect(scaling.scale).toBe(2);
    expect(scaling.judge(2, overflowed)).toBe('overflow');
    expect(scaling.scale).toBe(1);
    expect(scaling.judge(2, overflowed)).toBe('sound');
    expect(scaling.scale).toBe(1);
  });

  it('does not grow without bound', () => {
    const scaling = new LossScaling({ scale: 2 ** 24, steps: 5000 });
    scaling.judge(2, sound);
    expect(scaling.scale).toBe(2 ** 24);
  });
});
