// Triangle meshes with per-vertex colour: built from parametric grids, normals from the positions themselves.
import type { Colour } from './numeric.js';

/** A triangle mesh. All arrays are per vertex but `triangles`, which holds three vertex indices each. */
export interface Mesh {
  /** `[n, 3]`: x right, y down, z towards the viewer. */
  readonly positions: Float32Array;
  /** `[n, 3]`, unit length, outwards. */
  readonly normals: Float32Array;
  /** `[n, 4]`: linear red, green, blue and gloss (0 … 1). */
  readonly colours: Float32Array;
  /** `[t, 3]`. */
  readonly triangles: Uint32Array;
}

/** Writes a position into `out` at `offset`, given a grid point's column and row. */
export type Surface = (column: number, row: number, out: Float32Array, offset: number) => void;

/**
 * A mesh over a `columns` by `rows` grid. Normals point along (column direction) × (row direction), so a surface whose
 * columns run to the right and rows down faces the viewer. Colours start black.
 */
export function gridMesh(columns: number, rows: number, surface: Surface): Mesh {
  const count = columns * rows;
  const positions = new Float32Array(count * 3);
  for (let row = 0, offset = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, offset += 3) surface(column, row, positions, offset);
  }
  const triangles = new Uint32Array((columns - 1) * (rows - 1) * 6);
  for (let row = 0, t = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const corner = row * columns + column;
      triangles[t++] = corner;
      triangles[t++] = corner + columns;
      triangles[t++] = corner + 1;
      triangles[t++] = corner + 1;
      triangles[t++] = corner + columns;
      triangles[t++] = corner + columns + 1;
    }
  }
  return { positions, normals: gridNormals(positions, columns, rows), colours: new Float32Array(count * 4), triangles };
}

/** Unit normals from central differences over the grid (one-sided at its borders). */
function gridNormals(positions: Float32Array, columns: number, rows: number): Float32Array {
  const normals = new Float32Array(positions.length);
  for (let row = 0, offset = 0; row < rows; row++) {
    const up = row > 0 ? -3 * columns : 0;
    const down = row + 1 < rows ? 3 * columns : 0;
    for (let column = 0; column < columns; column++, offset += 3) {
      const right = offset + (column + 1 < columns ? 3 : 0);
      const left = offset - (column > 0 ? 3 : 0);
      const ax = positions[right] - positions[left];
      const ay = positions[right + 1] - positions[left + 1];
      const az = positions[right + 2] - positions[left + 2];
      const bx = positions[offset + down] - positions[offset + up];
      const by = positions[offset + down + 1] - positions[offset + up + 1];
      const bz = positions[offset + down + 2] - positions[offset + up + 2];
      const nx = ay * bz - az * by;
      const ny = az * bx - ax * bz;
      const nz = ax * by - ay * bx;
      const length = Math.sqrt(nx * nx + ny * ny + nz * nz) || 1;
      normals[offset] = nx / length;
      normals[offset + 1] = ny / length;
      normals[offset + 2] = nz / length;
    }
  }
  return normals;
}

/** Gives every vertex one colour. */
export function paintUniformly(mesh: Mesh, colour: Colour, gloss: number): Mesh {
  const { colours } = mesh;
  for (let i = 0; i < colours.length; i += 4) {
    colours[i] = colour[0];
    colours[i + 1] = colour[1];
    colours[i + 2] = colour[2];
    colours[i + 3] = gloss;
  }
  return mesh;
}

/** An ellipsoid, its poles on the y axis. */
export function ellipsoid(
  centre: readonly [number, number, number],
  radii: readonly [number, number, number],
  columns = 24,
  rows = 16,
): Mesh {
  return gridMesh(columns, rows, (column, row, out, offset) => {
    const around = (2 * Math.PI * column) / (columns - 1) - Math.PI;
    const down = (Math.PI * row) / (rows - 1);
    out[offset] = centre[0] + radii[0] * Math.sin(down) * Math.sin(around);
    out[offset + 1] = centre[1] - radii[1] * Math.cos(down);
    out[offset + 2] = centre[2] + radii[2] * Math.sin(down) * Math.cos(around);
  });
}

/** A tube of the given radius along a polyline `[x, y, z][]`; the cross-section lies across the path and the z axis. */
export function tube(path: readonly (readonly [number, number, number])[], radius: number, sides = 7): Mesh {
  return gridMesh(sides + 1, path.length, (column, row, out, offset) => {
    const before = path[Math.max(row - 1, 0)];
    const after = path[Math.min(row + 1, path.length - 1)];
    const length = Math.hypot(after[0] - before[0], after[1] - before[1]) || 1;
    // Across the path in the picture plane; where the path runs along z, to the right.
    const flat = length < 1e-6;
    const acrossX = flat ? 1 : (after[1] - before[1]) / length;
    const acrossY = flat ? 0 : -(after[0] - before[0]) / length;
    const angle = (2 * Math.PI * column) / sides;
    const across = radius * Math.sin(angle);
    out[offset] = path[row][0] + across * acrossX;
    out[offset + 1] = path[row][1] + across * acrossY;
    out[offset + 2] = path[row][2] + radius * Math.cos(angle);
  });
}
