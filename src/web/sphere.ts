// The sphere that the classifier's rows lie on, seen so that they are spread the most: their two principal axes.

/** Points of rows on the sphere, [x, y] in units of its radius. */
export type SphereView = readonly (readonly [number, number])[];

/** Rounds of the power iteration: a picture needs no more digits. */
const rounds = 30;

/**
 * Projects rows of unit length onto their first two principal axes through the sphere's centre. All points lie within the unit circle.
 * Axes are turned towards those of the view before, so that a series of views does not flip.
 * @param rows `[count, size]`, row after row
 * @param before the axes of the view before
 */
export function viewOfSphere(
  rows: Float32Array,
  size: number,
  before: readonly Float64Array[] = [],
): { readonly points: SphereView; readonly axes: readonly Float64Array[] } {
  const count = rows.length / size;
  const axes: Float64Array[] = [];
  for (const number of [0, 1]) {
    let axis = before[number] ?? Float64Array.from({ length: size }, (_, i) => Math.cos((number + 1) * (i + 1)));
    for (let round = 0; round < rounds; round++) {
      const next = new Float64Array(size);
      for (let row = 0; row < count; row++) {
        const along = dot(rows, row * size, axis);
        for (let i = 0; i < size; i++) next[i]! += along * rows[row * size + i]!;
      }
      for (const other of axes) {
        const along = dot(next, 0, other);
        for (let i = 0; i < size; i++) next[i]! -= along * other[i]!;
      }
      const length = Math.sqrt(dot(next, 0, next));
      if (!(length > 0)) break;
      axis = next.map((value) => value / length);
    }
    axes.push(axis);
  }
  const points = Array.from({ length: count }, (_, row) => {
    const [x, y] = axes.map((axis) => dot(rows, row * size, axis));
    return [x!, y!] as const;
  });
  return { points, axes };
}

function dot(a: ArrayLike<number>, start: number, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[start + i]! * b[i]!;
  return sum;
}
