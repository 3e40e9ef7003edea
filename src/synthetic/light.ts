// Lighting of the rasterised surfaces: soft diffuse light, highlights, cast shadows and occlusion, all from the buffer alone.
import type { Light } from './conditions.js';
import { clamp, smoothstep } from './numeric.js';
import type { SurfaceBuffer } from './raster.js';

/**
 * Adds the light that surfaces send to the eye to `picture`, `[height, width, 3]` linear, where something was drawn;
 * other pixels keep what they hold (the background).
 *
 * Diffuse light wraps round the terminator, furthest in red, as light scattered in skin does. Shadows are found by
 * walking from a pixel towards the lamp over the depth buffer; occlusion of ambient light compares the depth with its
 * blurred self (Luft, Colditz and Deussen 2006, "Image enhancement by unsharp masking the depth buffer").
 *
 * @param unit pixels per unit of length.
 */
export function illuminate(buffer: SurfaceBuffer, light: Light, unit: number, picture: Float32Array): void {
  const { width, height, depth, normals, colours } = buffer;
  const around = blurredDepth(buffer, Math.max(2, Math.round(unit * 0.11)));
  const [lx, ly, lz] = light.direction;
  // Halfway vector between the lamp and the eye.
  const halfLength = Math.hypot(lx, ly, lz + 1);
  const hx = lx / halfLength;
  const hy = ly / halfLength;
  const hz = (lz + 1) / halfLength;
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const z = depth[pixel];
      if (z === -Infinity) continue;
      const n = pixel * 3;
      const scale = 1 / (Math.sqrt(normals[n] ** 2 + normals[n + 1] ** 2 + normals[n + 2] ** 2) || 1);
      const nx = normals[n] * scale;
      const ny = normals[n + 1] * scale;
      const nz = normals[n + 2] * scale;
      const facing = nx * lx + ny * ly + nz * lz;
      const lit = facing > -0.3 ? 1 - castShadow(buffer, light.direction, x, y, z, unit) : 0;
      const open = clamp(1 - 2.6 * ((around[pixel] - z) / unit), 0.35, 1.12);
      // Ambient light comes more from above than from below.
      const sky = (0.8 - 0.2 * ny) * open;
      const shine = Math.max(nx * hx + ny * hy + nz * hz, 0);
      const c = pixel * 4;
      const highlight = colours[c + 3] * (0.28 * shine ** 14 + 0.5 * shine ** 60) * lit;
      const red = lit * Math.max((facing + 0.3) / 1.3, 0);
      const green = lit * Math.max((facing + 0.18) / 1.18, 0);
      const blue = lit * Math.max((facing + 0.14) / 1.14, 0);
      picture[n] = colours[c] * (light.key[0] * red + light.ambient[0] * sky) + light.key[0] * highlight;
      picture[n + 1] = colours[c + 1] * (light.key[1] * green + light.ambient[1] * sky) + light.key[1] * highlight;
      picture[n + 2] = colours[c + 2] * (light.key[2] * blue + light.ambient[2] * sky) + light.key[2] * highlight;
    }
  }
}

/** The walk towards the lamp: length of a step in units of length, and how many. */
const stride = 0.05;
const strides = 9;

/** 0 (lit) … 0.85 (in shadow): how far something between the pixel and the lamp rises over the line to it. */
function castShadow(
  buffer: SurfaceBuffer,
  direction: readonly [number, number, number],
  x: number,
  y: number,
  z: number,
  unit: number,
): number {
  const { width, height, depth } = buffer;
  const dx = direction[0] * unit * stride;
  const dy = direction[1] * unit * stride;
  const dz = direction[2] * unit * stride;
  let highest = 0;
  for (let k = 2; k <= strides; k++) {
    const sx = Math.round(x + dx * k);
    const sy = Math.round(y + dy * k);
    if (sx < 0 || sy < 0 || sx >= width || sy >= height) break;
    const over = depth[sy * width + sx] - (z + dz * k);
    if (over > highest) highest = over;
  }
  // The ramp softens the border; very little is rounding of the surface itself.
  const shadow = highest === 0 ? 0 : smoothstep(0.02, 0.1, highest / unit);
  return 0.85 * shadow;
}

/** Depth averaged over a square of half-width `radius`, over drawn pixels only. */
function blurredDepth(buffer: SurfaceBuffer, radius: number): Float32Array {
  const { width, height, depth } = buffer;
  const sums = new Float32Array(width * height);
  const counts = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = 0;
    let count = 0;
    for (let x = -radius; x < width; x++) {
      const entering = x + radius;
      if (entering < width && depth[row + entering] !== -Infinity) {
        sum += depth[row + entering];
        count++;
      }
      const leaving = x - radius - 1;
      if (leaving >= 0 && depth[row + leaving] !== -Infinity) {
        sum -= depth[row + leaving];
        count--;
      }
      if (x >= 0) {
        sums[row + x] = sum;
        counts[row + x] = count;
      }
    }
  }
  const blurred = new Float32Array(width * height);
  for (let x = 0; x < width; x++) {
    let sum = 0;
    let count = 0;
    for (let y = -radius; y < height; y++) {
      const entering = y + radius;
      if (entering < height) {
        sum += sums[entering * width + x];
        count += counts[entering * width + x];
      }
      const leaving = y - radius - 1;
      if (leaving >= 0) {
        sum -= sums[leaving * width + x];
        count -= counts[leaving * width + x];
      }
      if (y >= 0) blurred[y * width + x] = count > 0 ? sum / count : 0;
    }
  }
  return blurred;
}
