// Resampling for the detector against its definition, written out pixel by pixel.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import type { Picture } from '../images/source.js';
import { type Region, Resizer } from './resize.js';

function noise(width: number, height: number, seed = 1): Picture {
  const random = new Random(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

/** The value of output pixel (x, y): the area-weighted mean when shrinking, bilinear when enlarging. */
function defined(picture: Picture, region: Region, width: number, height: number, x: number, y: number, k: number) {
  const at = (u: number, v: number) => {
    const [px, py] = [region.x + u, region.y + v];
    const inside = px >= 0 && py >= 0 && px < picture.width && py < picture.height;
    return inside ? picture.data[(py * picture.width + px) * 3 + k] : 0;
  };
  const weights = (from: number, to: number, i: number): (readonly [number, number])[] => {
    if (width <= region.width && height <= region.height) {
      const [low, high] = [(i * from) / to, ((i + 1) * from) / to];
      return Array.from({ length: from }, (_, j) => [j, Math.max(0, Math.min(j + 1, high) - Math.max(j, low))] as const)
        .filter(([, w]) => w > 0)
        .map(([j, w]) => [j, (w * to) / from] as const);
    }
    const center = ((i + 0.5) * from) / to - 0.5;
    const left = Math.floor(center);
    const clamp = (j: number) => Math.min(Math.max(j, 0), from - 1);
    return [
      [clamp(left), 1 - (center - left)],
      [clamp(left + 1), center - left],
    ];
  };
  let sum = 0;
  for (const [v, wv] of weights(region.height, height, y)) {
    for (const [u, wu] of weights(region.width, width, x)) sum += wv * wu * at(u, v);
  }
  return (sum - 127.5) / 128;
}

describe('Resizer', () => {
  // With 64 pixels a table, the pictures of the test are worked on in many parts.
  it.each([undefined, 64])(
    'gives the defined value everywhere, inside, at the edge and outside (tables of %s pixels)',
    (limit) => {
      const resizer = new Resizer(limit);
      const side = fc.integer({ min: 1, max: 40 });
      fc.assert(
        fc.property(
          side,
          side,
          side,
          side,
          fc.integer({ min: -20, max: 20 }),
          fc.integer({ min: -20, max: 20 }),
          (pw, ph, w, h, x, y) => {
            const picture = noise(pw, ph, pw * 100 + ph);
            const region = { x, y, width: Math.max(1, pw - 3), height: Math.max(1, ph + 4) };
            const out = new Float32Array(3 * w * h);
            resizer.resize(picture, region, w, h, out);
            for (let k = 0; k < 3; k++) {
              for (const [ox, oy] of [
                [0, 0],
                [w - 1, h - 1],
                [w >> 1, h >> 1],
                [0, h - 1],
              ]) {
                const expected = defined(picture, region, w, h, ox, oy, k);
                // float32 sums of up to 40 × 40 values of size 1
                expect(Math.abs(out[(k * h + oy) * w + ox] - expected)).toBeLessThan(1e-5);
              }
            }
          },
        ),
        { numRuns: 200 },
      );
    },
  );

  it('computes strips of rows that are equal to the whole', () => {
    const picture = noise(61, 47);
    const resizer = new Resizer();
    const all = { x: 0, y: 0, width: 61, height: 47 };
    const [w, h] = [37, 29];
    const whole = new Float32Array(3 * w * h);
    resizer.resize(picture, all, w, h, whole);
    const rows = { from: 11, to: 20 };
    const strip = new Float32Array(3 * w * 9);
    resizer.resize(picture, all, w, h, strip, 0, rows);
    for (let k = 0; k < 3; k++) {
      expect(strip.subarray(k * 9 * w, (k + 1) * 9 * w)).toEqual(whole.subarray((k * h + 11) * w, (k * h + 20) * w));
    }
  });

  it('does not remember an earlier, wider region', () => {
    const picture = noise(30, 30);
    const used = new Resizer();
    const scratch = new Float32Array(3 * 24 * 24);
    used.resize(picture, { x: 0, y: 0, width: 30, height: 30 }, 24, 24, scratch);
    const region = { x: -5, y: -5, width: 12, height: 12 };
    const [a, b] = [new Float32Array(3 * 24 * 24), new Float32Array(3 * 24 * 24)];
    used.resize(picture, region, 24, 24, a);
    new Resizer().resize(picture, region, 24, 24, b);
    expect(a).toEqual(b);
  });
});
