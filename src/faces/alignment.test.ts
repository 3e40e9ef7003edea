// The transform and the resampling against Octave (tools/alignment_golden.m), and their properties.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Picture } from '../images/source.js';
import { alignFace, cropCenter } from './align.js';
import type { Landmarks, Point } from './geometry.js';
import { type Affine, apply, fitSimilarity, invert } from './similarity.js';
import { alignmentSpec, templateOf, templates } from './template.js';
import { warp } from './warp.js';

interface Golden {
  readonly photo: { readonly width: number; readonly height: number };
  readonly step: number;
  readonly cases: readonly {
    readonly points: readonly number[];
    readonly cp2tform: readonly number[];
    readonly umeyama: readonly number[];
    readonly crop: readonly number[];
  }[];
}
const golden = JSON.parse(readFileSync(new URL('alignment.golden.json', import.meta.url), 'utf8')) as Golden;

const template = templates['112x96'];

/** The formula of tools/alignment_golden.m. */
function syntheticPhoto(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < 3; k++) {
        const n = 5 * x + 3 * y + 80 * k + Math.floor((x * y) / 16);
        data[(y * width + x) * 3 + k] = Math.abs((n % 510) - 255);
      }
    }
  }
  return { width, height, data };
}

function pairs(flat: readonly number[]): Point[] {
  return Array.from({ length: flat.length / 2 }, (_, i): Point => [flat[2 * i], flat[2 * i + 1]]);
}

const matrix = ({ a, b, c, d, e, f }: Affine) => [a, b, c, d, e, f];

describe.each(golden.cases.map((face, index) => ({ index, ...face })))('face $index against Octave', (face) => {
  // 1e-6, the shifts included (they reach 170): both sides compute in float64 and print 15 digits.
  it.each(['cp2tform', 'umeyama'] as const)('%s gives the same matrix', (solver) => {
    const got = matrix(fitSimilarity(pairs(face.points), template.landmarks, solver));
    got.forEach((value, i) => {
      expect(Math.abs(value - face[solver][i])).toBeLessThan(1e-6);
    });
  });

  it('the crop agrees within 1 grey level in every pixel but for the border of the photo', () => {
    const { width, height } = golden.photo;
    const landmarks = pairs(face.points) as unknown as Landmarks;
    const crop = alignFace(syntheticPhoto(width, height), landmarks, template);
    const toPhoto = invert(fitSimilarity(landmarks, template.landmarks, 'cp2tform'));
    let worst = 0;
    let compared = 0;
    face.crop.forEach((value, i) => {
      const x = golden.step * (Math.floor(i / 3) % 24);
      const y = golden.step * Math.floor(i / 72);
      // Less than a pixel outside, Matlab (and this) blends the photo with the fill; Octave has the fill alone.
      const [u, v] = apply(toPhoto, [x, y]);
      const outside = Math.max(-u, u - (width - 1), -v, v - (height - 1));
      if (outside > -1e-9 && outside < 1) return;
      compared++;
      worst = Math.max(worst, Math.abs(crop.data[(y * 96 + x) * 3 + (i % 3)] - value));
    });
    expect(compared).toBeGreaterThan(0.95 * face.crop.length);
    expect(worst).toBeLessThanOrEqual(1);
  });
});

const coordinate = fc.double({ min: -500, max: 500, noNaN: true });
const pointArbitrary = fc.tuple(coordinate, coordinate);

describe('fitSimilarity', () => {
  it.each(['cp2tform', 'umeyama'] as const)('%s recovers an exact similarity', (solver) => {
    fc.assert(
      fc.property(
        fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        pointArbitrary,
        (angle, scale, [dx, dy]) => {
          const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
          const truth = { a: cos, b: -sin, c: dx, d: sin, e: cos, f: dy };
          const photo = template.landmarks.map((p) => apply(invert(truth), p));
          const found = fitSimilarity(photo, template.landmarks, solver);
          matrix(found).forEach((value, i) => {
            expect(value).toBeCloseTo(matrix(truth)[i], 6);
          });
        },
      ),
    );
  });

  it('cp2tform minimises the distance in the photo, umeyama in the template', () => {
    const photo = pairs(golden.cases[0].points);
    const distance = (t: Affine, from: readonly Point[], to: readonly Point[]) =>
      from.reduce((sum, p, i) => {
        const [x, y] = apply(t, p);
        return sum + (x - to[i][0]) ** 2 + (y - to[i][1]) ** 2;
      }, 0);
    const nudged = (t: Affine) =>
      [
        { a: 1e-3, e: 1e-3 },
        { a: -1e-3, e: -1e-3 },
        { b: -1e-3, d: 1e-3 },
        { b: 1e-3, d: -1e-3 },
        { c: 0.05 },
        { f: -0.05 },
      ].map((nudge) => {
        const by = { a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, ...nudge };
        return { a: t.a + by.a, b: t.b + by.b, c: t.c + by.c, d: t.d + by.d, e: t.e + by.e, f: t.f + by.f };
      });
    const back = invert(fitSimilarity(photo, template.landmarks, 'cp2tform'));
    const best = distance(back, template.landmarks, photo);
    for (const other of nudged(back)) expect(distance(other, template.landmarks, photo)).toBeGreaterThan(best);
    const direct = fitSimilarity(photo, template.landmarks, 'umeyama');
    const bestDirect = distance(direct, photo, template.landmarks);
    for (const other of nudged(direct)) {
      expect(distance(other, photo, template.landmarks)).toBeGreaterThan(bestDirect);
    }
  });

  it('refuses points that determine nothing', () => {
    const same: Point[] = template.landmarks.map(() => [3, 4]);
    for (const solver of ['cp2tform', 'umeyama'] as const) {
      expect(() => fitSimilarity(same, template.landmarks, solver)).toThrow(/do not determine/);
    }
    expect(() => fitSimilarity([[1, 2]], [[1, 2]], 'umeyama')).toThrow(/do not determine/);
    expect(() =>
      fitSimilarity(
        [
          [NaN, 2],
          [0, 0],
        ],
        [
          [1, 2],
          [0, 0],
        ],
        'umeyama',
      ),
    ).toThrow(/do not determine/);
  });
});

describe('warp', () => {
  const photo = syntheticPhoto(40, 30);
  const identity: Affine = { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 };

  it('copies under the identity', () => {
    expect(warp(photo, identity, 40, 30).data).toEqual(photo.data);
  });

  it('interpolates between four pixels and fills with black outside', () => {
    const shifted = warp(photo, { ...identity, c: 0.25, f: 0.5 }, 41, 30);
    const at = (x: number, y: number) => (x < 40 && y < 30 ? photo.data[(y * 40 + x) * 3] : 0);
    for (const [x, y] of [
      [0, 0],
      [17, 11],
      [39, 12],
      [39, 29],
      [40, 3],
    ]) {
      const expected =
        0.75 * 0.5 * at(x, y) + 0.25 * 0.5 * at(x + 1, y) + 0.75 * 0.5 * at(x, y + 1) + 0.25 * 0.5 * at(x + 1, y + 1);
      expect(Math.abs(shifted.data[(y * 41 + x) * 3] - expected)).toBeLessThanOrEqual(0.5);
    }
    expect(warp(photo, { ...identity, c: 1000 }, 8, 8).data.every((value) => value === 0)).toBe(true);
  });

  it('survives transforms that lead nowhere', () => {
    expect(warp(photo, { ...identity, a: NaN }, 4, 4).data.every((value) => value === 0)).toBe(true);
    expect(warp(photo, { ...identity, c: 1e300 }, 4, 4).data.every((value) => value === 0)).toBe(true);
  });
});

describe('cropCenter', () => {
  it('takes the largest part with the proportions of the crop, around the centre', () => {
    // A photo of one colour but for its left and right margins, which the crop must not contain.
    const width = 200;
    const data = new Uint8Array(width * 112 * 3).fill(255);
    for (let y = 0; y < 112; y++) {
      for (let x = 0; x < 51; x++) data.fill(0, (y * width + x) * 3, (y * width + x) * 3 + 3);
      for (let x = width - 51; x < width; x++) data.fill(0, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
    const crop = cropCenter({ width, height: 112, data }, template);
    expect([crop.width, crop.height]).toEqual([96, 112]);
    expect(crop.data.every((value) => value === 255)).toBe(true);
  });
});

describe('templates', () => {
  it('112x112 is 112x96 with 8 pixels more at the left', () => {
    templates['112x112'].landmarks.forEach(([x, y], i) => {
      expect(x - template.landmarks[i][0]).toBeCloseTo(8, 12);
      expect(y).toBe(template.landmarks[i][1]);
    });
  });

  it('are 0-based, named, and refuse other sizes', () => {
    expect(template.landmarks[0]).toEqual([30.2946 - 1, 51.6963 - 1]);
    expect(alignmentSpec(template, 'cp2tform')).toEqual({
      template: 'sphereface-112x96',
      solver: 'cp2tform',
      version: 1,
    });
    expect(() => templateOf('96x112')).toThrow(/112x96 or 112x112/);
  });
});
