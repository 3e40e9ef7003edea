// Light on balls: brighter towards the lamp, shadows away from it, and in proportion to it.
import { describe, expect, it } from 'vitest';
import type { Light } from './conditions.js';
import { illuminate } from './light.js';
import { ellipsoid, paintUniformly } from './mesh.js';
import { drawMesh, surfaceBuffer } from './raster.js';

const size = 101;
const unit = 30;
const fromLeft: Light = { direction: [-0.8, 0, 0.6], key: [1, 1, 1], ambient: [0.1, 0.1, 0.1] };

function lit(balls: readonly (readonly [number, number, number, number])[], light: Light): Float32Array {
  const buffer = surfaceBuffer(size, size);
  for (const [x, y, z, radius] of balls) {
    const ball = paintUniformly(ellipsoid([x, y, z], [radius, radius, radius], 64, 48), [0.5, 0.5, 0.5], 0);
    drawMesh(buffer, ball, {
      rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
      pivot: [0, 0, 0],
      centre: [50, 50],
      scale: unit,
      distance: 1e6,
    });
  }
  const picture = new Float32Array(size * size * 3).fill(-1);
  illuminate(buffer, light, unit, picture);
  return picture;
}

const at = (picture: Float32Array, x: number, y: number) => picture[(y * size + x) * 3];

describe('illuminate', () => {
  it('is brighter towards the lamp and leaves the background alone', () => {
    const picture = lit([[0, 0, 0, 1]], fromLeft);
    expect(at(picture, 30, 50)).toBeGreaterThan(2 * at(picture, 70, 50));
    expect(at(picture, 2, 2)).toBe(-1);
  });

  it('casts shadows away from the lamp only', () => {
    const alone = lit([[0, 0, 0, 1]], fromLeft);
    const shaded = lit(
      [
        [0, 0, 0, 1],
        [-0.55, 0, 1, 0.2],
      ],
      fromLeft,
    );
    // To the right of the small ball, on the large one: in its shadow. Above it: not.
    expect(at(shaded, 42, 50)).toBeLessThan(0.6 * at(alone, 42, 50));
    expect(at(shaded, 42, 25)).toBeCloseTo(at(alone, 42, 25), 2);
  });

  it('scales with the lamp', () => {
    const once = lit([[0, 0, 0, 1]], fromLeft);
    const twice = lit([[0, 0, 0, 1]], { ...fromLeft, key: [2, 2, 2], ambient: [0.2, 0.2, 0.2] });
    expect(at(twice, 40, 45)).toBeCloseTo(2 * at(once, 40, 45), 5);
  });
});
