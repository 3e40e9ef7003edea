// Caffe's fillers: bounds and moments against their formulas, the same for the same seed, and filling that is passed over.
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { fill, type Filler, passOver } from './fillers.js';

function moments(x: Float32Array): { mean: number; std: number; largest: number } {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const std = Math.sqrt(x.reduce((total, value) => total + (value - mean) ** 2, 0) / x.length);
  return { mean, std, largest: x.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

describe("Caffe's fillers", () => {
  it.each([
    // Fan-in: the elements of one output.
    { shape: [64, 3, 3, 3], fanIn: 27 },
    { shape: [512, 1000], fanIn: 1000 },
    { shape: [128, 1, 3, 3], fanIn: 9 },
  ])('xavier is uniform over ±sqrt(3 / $fanIn) for $shape', ({ shape, fanIn }) => {
    const bound = Math.sqrt(3 / fanIn);
    const { mean, std, largest } = moments(fill({ type: 'xavier' }, shape, new Random(1)));
    const count = shape.reduce((a, b) => a * b, 1);
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.98 * bound);
    // A uniform distribution over ±b has standard deviation b / sqrt(3); four standard errors of the mean.
    expect(Math.abs(mean)).toBeLessThan((4 * bound) / Math.sqrt(3 * count));
    expect(std / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
  });

  it.each<Filler>([{ type: 'xavier' }, { type: 'gaussian', std: 1 }, { type: 'constant', value: 2 }])(
    '$type can be passed over: what follows is what follows a filled one',
    (filler) => {
      const [filled, passed] = [new Random(5), new Random(5)];
      fill(filler, [7, 3], filled);
      passOver(filler, 21, passed);
      expect(passed.state).toEqual(filled.state);
    },
  );

  it('gaussian has the stated spread, and tails', () => {
    const { mean, std, largest } = moments(fill({ type: 'gaussian', std: 0.01 }, [50_000], new Random(2)));
    expect(Math.abs(mean)).toBeLessThan((4 * 0.01) / Math.sqrt(50_000));
    expect(std).toBeCloseTo(0.01, 3);
    expect(largest).toBeGreaterThan(0.03);
  });

  it('constant is constant, and all repeat with the seed', () => {
    expect(fill({ type: 'constant', value: 0.25 }, [3], new Random(1))).toEqual(Float32Array.of(0.25, 0.25, 0.25));
    const draw = (seed: number) => fill({ type: 'gaussian', std: 1 }, [5], new Random(seed));
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });
});
