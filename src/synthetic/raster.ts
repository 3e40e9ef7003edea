// The software rasteriser: meshes into a buffer of depth, normals and colours, one value per pixel, nearest surface wins.
import type { Mesh } from './mesh.js';

/** What is seen through each pixel. Depths are in pixels, larger is nearer; −Infinity where nothing was drawn. */
export interface SurfaceBuffer {
  readonly width: number;
  readonly height: number;
  readonly depth: Float32Array;
  /** `[height, width, 3]`, not normalised after interpolation. */
  readonly normals: Float32Array;
  /** `[height, width, 4]`: linear red, green, blue and gloss. */
  readonly colours: Float32Array;
}

export function surfaceBuffer(width: number, height: number): SurfaceBuffer {
  const pixels = width * height;
  return {
    width,
    height,
    depth: new Float32Array(pixels).fill(-Infinity),
    normals: new Float32Array(pixels * 3),
    colours: new Float32Array(pixels * 4),
  };
}

/** Where a mesh stands: rotation (rows of a 3x3 matrix) about `pivot`, then the eye's perspective onto the picture. */
export interface View {
  readonly rotation: readonly number[];
  readonly pivot: readonly [number, number, number];
  /** Picture position, in pixels, of the origin of space. */
  readonly centre: readonly [number, number];
  /** Pixels per unit of length at depth 0. */
  readonly scale: number;
  /** From the eye to depth 0, in units of length. */
  readonly distance: number;
}

/** Draws a mesh. Both sides of its triangles are visible; normals that face away are turned round. */
export function drawMesh(buffer: SurfaceBuffer, mesh: Mesh, view: View): void {
  const { positions, normals, colours, triangles } = mesh;
  const { rotation: r, pivot, centre, scale, distance } = view;
  const count = positions.length / 3;
  // Per vertex: x, y and depth in pixels, then the normal in the eye's space.
  const seen = new Float32Array(count * 6);
  for (let i = 0, p = 0, q = 0; i < count; i++, p += 3, q += 6) {
    const x = positions[p] - pivot[0];
    const y = positions[p + 1] - pivot[1];
    const z = positions[p + 2] - pivot[2];
    const X = r[0] * x + r[1] * y + r[2] * z + pivot[0];
    const Y = r[3] * x + r[4] * y + r[5] * z + pivot[1];
    const Z = r[6] * x + r[7] * y + r[8] * z + pivot[2];
    const perspective = (scale * distance) / (distance - Z);
    seen[q] = centre[0] + X * perspective;
    seen[q + 1] = centre[1] + Y * perspective;
    seen[q + 2] = Z * scale;
    const nx = normals[p];
    const ny = normals[p + 1];
    const nz = normals[p + 2];
    seen[q + 3] = r[0] * nx + r[1] * ny + r[2] * nz;
    seen[q + 4] = r[3] * nx + r[4] * ny + r[5] * nz;
    seen[q + 5] = r[6] * nx + r[7] * ny + r[8] * nz;
  }
  for (let t = 0; t < triangles.length; t += 3) {
    drawTriangle(buffer, seen, colours, triangles[t], triangles[t + 1], triangles[t + 2]);
  }
}

function drawTriangle(
  buffer: SurfaceBuffer,
  seen: Float32Array,
  colours: Float32Array,
  i0: number,
  i1: number,
  i2: number,
): void {
  const { width, height, depth } = buffer;
  const a = i0 * 6;
  const b = i1 * 6;
  const c = i2 * 6;
  const ax = seen[a];
  const ay = seen[a + 1];
  const bx = seen[b];
  const by = seen[b + 1];
  const cx = seen[c];
  const cy = seen[c + 1];
  const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  if (area === 0) return;
  // Pixel centres lie at integers.
  const left = Math.max(Math.ceil(Math.min(ax, bx, cx)), 0);
  const right = Math.min(Math.floor(Math.max(ax, bx, cx)), width - 1);
  const top = Math.max(Math.ceil(Math.min(ay, by, cy)), 0);
  const bottom = Math.min(Math.floor(Math.max(ay, by, cy)), height - 1);
  if (left > right || top > bottom) return;
  const inverse = 1 / area;
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse;
      const wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse;
      const wa = 1 - wb - wc;
      if (wa < 0 || wb < 0 || wc < 0) continue;
      const z = wa * seen[a + 2] + wb * seen[b + 2] + wc * seen[c + 2];
      const pixel = y * width + x;
      if (z <= depth[pixel]) continue;
      depth[pixel] = z;
      const { normals, colours: painted } = buffer;
      const nz = wa * seen[a + 5] + wb * seen[b + 5] + wc * seen[c + 5];
      const turn = nz < 0 ? -1 : 1;
      const n = pixel * 3;
      normals[n] = turn * (wa * seen[a + 3] + wb * seen[b + 3] + wc * seen[c + 3]);
      normals[n + 1] = turn * (wa * seen[a + 4] + wb * seen[b + 4] + wc * seen[c + 4]);
      normals[n + 2] = turn * nz;
      const o = pixel * 4;
      const ca = i0 * 4;
      const cb = i1 * 4;
      const cc = i2 * 4;
      painted[o] = wa * colours[ca] + wb * colours[cb] + wc * colours[cc];
      painted[o + 1] = wa * colours[ca + 1] + wb * colours[cb + 1] + wc * colours[cc + 1];
      painted[o + 2] = wa * colours[ca + 2] + wb * colours[cb + 2] + wc * colours[cc + 2];
      painted[o + 3] = wa * colours[ca + 3] + wb * colours[cb + 3] + wc * colours[cc + 3];
    }
  }
}
