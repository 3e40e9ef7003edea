// The spread of a classifier's rows against cases done by hand and the regular simplex.
import { describe, expect, it } from 'vitest';
import { classifierSpread } from './spread.js';

describe('classifierSpread', () => {
  it('is right for orthogonal rows of any length', () => {
    const spread = classifierSpread(Float32Array.of(2, 0, 0, 0, 0.5, 0, 0, 0, -7), 3);
    expect(spread.classifiers).toBe(3);
    for (const angle of [spread.minimumAngle, spread.meanNearestAngle, spread.meanAngle])
      expect(angle).toBeCloseTo(90, 10);
    // |ŵᵢ − ŵⱼ|² = 2.
    expect(spread.energy).toBeCloseTo(0.5, 12);
  });

  it('is right for a case done by hand: 0°, 60° and 180° in the plane', () => {
    const spread = classifierSpread(Float32Array.of(1, 0, 0.5, Math.sqrt(3) / 2, -1, 0), 2);
    // Angles 60, 180, 120; squared chords 1, 4, 3. float32 rows: seven digits.
    expect(spread.minimumAngle).toBeCloseTo(60, 4);
    expect(spread.meanAngle).toBeCloseTo(120, 4);
    expect(spread.meanNearestAngle).toBeCloseTo((60 + 60 + 120) / 3, 4);
    expect(spread.energy).toBeCloseTo((1 + 1 / 4 + 1 / 3) / 3, 6);
  });

  it('reaches the minimum of the energy at the regular simplex', () => {
    const simplex = Float32Array.of(1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, 1);
    const moved = simplex.map((value, i) => value + (i === 0 ? 0.2 : 0));
    expect(classifierSpread(simplex, 3).energy).toBeCloseTo(0.375, 12);
    expect(classifierSpread(moved, 3).energy).toBeGreaterThan(0.375);
  });

  it('refuses what is no classifier', () => {
    expect(() => classifierSpread(new Float32Array(5), 3)).toThrow(/no rows/);
    expect(() => classifierSpread(new Float32Array(3), 3)).toThrow(/no rows/);
  });
});
