// The view of a sphere: points of a plane keep their distance from the centre, and the axes the direction of the view before.
import { expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { viewOfSphere } from './sphere.js';

it('spreads points of a plane out as they lie in it, and keeps to the axes of the view before', () => {
  const size = 6;
  const random = new Random(2);
  // Two perpendicular directions, and points of an ellipse in their plane.
  const u = Float64Array.of(1, 2, 0, -1, 0, 2).map((value) => value / Math.sqrt(10));
  const v = Float64Array.of(2, -1, 3, 0, 1, 0).map((value) => value / Math.sqrt(15));
  const places = Array.from({ length: 20 }, () => [0.9 * random.between(-1, 1), 0.3 * random.between(-1, 1)] as const);
  const rows = Float32Array.from(places.flatMap(([a, b]) => [...u].map((value, i) => a * value + b * v[i])));
  const { points, axes } = viewOfSphere(rows, size);
  for (const [k, [a, b]] of places.entries()) {
    const [x, y] = points[k];
    expect(Math.hypot(x, y)).toBeCloseTo(Math.hypot(a, b), 5);
  }
  const spread = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis] ** 2, 0);
  expect(spread(0)).toBeGreaterThan(spread(1));

  const again = viewOfSphere(
    rows,
    size,
    axes.map((axis) => axis.map((value) => -value)),
  );
  expect(again.points[3][0]).toBeCloseTo(-points[3][0], 5);
});
