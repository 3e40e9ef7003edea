// The rasteriser: covered pixels, depth, clipping, normals and perspective, on triangles and ellipsoids.
import { describe, expect, it } from 'vitest';
import { ellipsoid, type Mesh, paintUniformly } from './mesh.js';
import { drawMesh, surfaceBuffer, type View } from './raster.js';

const still: View = {
  rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  pivot: [0, 0, 0],
  centre: [0, 0],
  scale: 1,
  distance: 1e9,
};

function triangle(corners: readonly number[], depth: number, red: number): Mesh {
  const [ax, ay, bx, by, cx, cy] = corners;
  return {
    positions: Float32Array.of(ax, ay, depth, bx, by, depth, cx, cy, depth),
    normals: Float32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 1),
    colours: Float32Array.of(red, 0, 0, 0, red, 0, 0, 0, red, 0, 0, 0),
    triangles: Uint32Array.of(0, 1, 2),
  };
}

describe('drawMesh', () => {
  it('covers exactly the pixels whose centres lie inside', () => {
    const buffer = surfaceBuffer(8, 8);
    drawMesh(buffer, triangle([1, 1, 5, 1, 1, 5], 0, 1), still);
    const covered = [...buffer.depth.keys()].filter((i) => buffer.depth[i] !== -Infinity);
    const expected: number[] = [];
    for (let y = 1; y <= 5; y++) for (let x = 1; x <= 6 - y; x++) expected.push(y * 8 + x);
    expect(covered).toEqual(expected);
  });

  it('shows the nearer surface whatever the order', () => {
    const near = triangle([0, 0, 7, 0, 0, 7], 2, 1);
    const far = triangle([0, 0, 7, 0, 0, 7], 1, 0.5);
    for (const order of [
      [near, far],
      [far, near],
    ]) {
      const buffer = surfaceBuffer(8, 8);
      for (const mesh of order) drawMesh(buffer, mesh, still);
      expect(buffer.depth[0]).toBe(2);
      expect(buffer.colours[0]).toBe(1);
    }
  });

  it('is clipped at the picture’s borders', () => {
    const buffer = surfaceBuffer(4, 4);
    drawMesh(buffer, triangle([-50, -50, 50, -50, -50, 50], 0, 1), still);
    expect(buffer.depth[0]).toBe(0);
    expect([...buffer.depth].every((z) => z === 0 || z === -Infinity)).toBe(true);
  });

  it('turns normals towards the eye', () => {
    const buffer = surfaceBuffer(8, 8);
    const away = triangle([0, 0, 7, 0, 0, 7], 0, 1);
    away.normals.set([0, 0.6, -0.8, 0, 0.6, -0.8, 0, 0.6, -0.8]);
    drawMesh(buffer, away, still);
    expect(buffer.normals[1]).toBeCloseTo(-0.6, 6);
    expect(buffer.normals[2]).toBeCloseTo(0.8, 6);
  });

  it('foreshortens with distance', () => {
    const buffer = surfaceBuffer(41, 41);
    const ball = paintUniformly(ellipsoid([0, 0, 5], [1, 1, 1]), [1, 1, 1], 0);
    drawMesh(buffer, ball, { ...still, centre: [20, 20], scale: 5, distance: 10 });
    const row = [...buffer.depth.subarray(20 * 41, 21 * 41)].filter((z) => z !== -Infinity).length;
    // Radius 1 at half the distance is seen twice as large: about 2 · 5 · 2 pixels, a little more for a near sphere.
    expect(row).toBeGreaterThanOrEqual(19);
    expect(row).toBeLessThanOrEqual(23);
  });
});

describe('ellipsoid', () => {
  it('has unit normals that point outwards', () => {
    const { positions, normals } = ellipsoid([0, 0, 0], [1, 2, 0.5], 24, 17);
    // Away from the poles and the seam, where central differences are two-sided.
    for (let row = 2; row < 15; row++) {
      for (let column = 1; column < 23; column++) {
        const o = (row * 24 + column) * 3;
        expect(Math.hypot(normals[o], normals[o + 1], normals[o + 2])).toBeCloseTo(1, 5);
        const outwards =
          normals[o] * positions[o] + normals[o + 1] * positions[o + 1] + normals[o + 2] * positions[o + 2];
        expect(outwards).toBeGreaterThan(0);
      }
    }
  });
});
