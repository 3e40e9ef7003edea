// The detector as a whole: its bounds without weights, and against an independent implementation where the weights are there.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { decodePhoto, openImageSource } from '../../images/index.js';
import type { Picture } from '../../images/source.js';
import { randomWeights, testWeights } from '../../testing/mtcnn-weights.js';
import { chooseFace } from '../choose.js';
import { type Face, intersectionOverUnion, type Landmarks } from '../geometry.js';
import type { Resizer } from '../resize.js';
import { checkDetectorSettings, type DetectorOptions, Mtcnn, publishedDetector } from './detector.js';

function noise(width: number, height: number): Picture {
  const random = new Random(5);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

describe('settings', () => {
  it.each([
    [{ minSize: 5 }, /minimum face size[\s\S]*got: 5/],
    [{ factor: 1 }, /pyramid factor/],
    [{ factor: NaN }, /pyramid factor/],
    [{ thresholds: [0.6, 0.7, 1.5] as const }, /threshold[\s\S]*1.5/],
  ])('%o are refused', (settings, message) => {
    expect(() => {
      checkDetectorSettings({ ...publishedDetector, ...settings });
    }).toThrow(message);
  });
});

describe('with random weights', () => {
  const settings = { thresholds: [0.49, 0.4, 0.4] as const, mirroredLandmarks: true };

  it('strips of a level give what the whole level gives', async () => {
    await using whole = await Mtcnn.create(randomWeights(), { settings, threads: 1 });
    await using strips = await Mtcnn.create(randomWeights(), { settings, threads: 1, stripPixels: 1200 });
    const picture = noise(71, 94);
    const faces = await whole.detect(picture);
    expect(faces.length).toBeGreaterThan(0);
    // Equal up to the order of sums in the runtime's convolutions.
    const others = await strips.detect(picture);
    expect(others).toHaveLength(faces.length);
    faces.forEach((face, i) => {
      face.landmarks.flat().forEach((value, k) => {
        expect(value).toBeCloseTo(others[i].landmarks.flat()[k], 2);
      });
    });
  });

  it('finds side by side what it finds one after another', async () => {
    await using detector = await Mtcnn.create(randomWeights(), { settings, threads: 1 });
    const pictures = [noise(71, 94), noise(40, 60), noise(94, 71), noise(55, 55), noise(71, 94)];
    const alone: Face[][] = [];
    for (const picture of pictures) alone.push(await detector.detect(picture));
    expect(alone[0].length).toBeGreaterThan(0);
    expect(await Promise.all(pictures.map((picture) => detector.detect(picture)))).toEqual(alone);
  });

  it('is disposed of after the pictures that it was given, and refuses others', async () => {
    const detector = await Mtcnn.create(randomWeights(), { settings, threads: 1 });
    const alone = await detector.detect(noise(71, 94));
    const [first, second] = [detector.detect(noise(71, 94)), detector.detect(noise(71, 94))];
    const disposal = detector.dispose();
    await expect(detector.detect(noise(71, 94))).rejects.toThrow(/^This face detector has been disposed of/);
    expect(await Promise.all([first, second])).toEqual([alone, alone]);
    await disposal;
    await detector.dispose();
  });

  it('finds nothing in pictures too small for a face, and does not fail on any size', async () => {
    await using detector = await Mtcnn.create(randomWeights(), { settings, threads: 1 });
    for (const [width, height] of [
      [1, 1],
      [19, 300],
      [300, 11],
    ])
      expect(await detector.detect(noise(width, height))).toEqual([]);
    for (const [width, height] of [
      [20, 20],
      [21, 333],
      [57, 20],
    ])
      await detector.detect(noise(width, height));
  });
});

const shared = fileURLToPath(new URL('../../../../shared/', import.meta.url));
const photos = `${shared}data/lfw-60-originals.zip`;
const referencePath = `${shared}reference/mtcnn-detections.json`;
const { weights, why } = await testWeights();
const missing = why !== '' ? why : existsSync(photos) && existsSync(referencePath) ? '' : 'skipped: no ../shared/data';

interface Reference {
  readonly detections: Readonly<
    Record<
      string,
      { readonly faces: readonly { readonly box: Face['box']; readonly score: number; readonly points: Landmarks }[] }
    >
  >;
}

/** Shrinks by means over boxes whose edges are rounded to whole pixels: what the reference does, coarser than the published code. */
const wholePixels: Pick<Resizer, 'resize'> = {
  resize: (picture, region, width, height, out, offset = 0, rows = { from: 0, to: height }) => {
    const box = (i: number, from: number, to: number): readonly [number, number] => {
      const start = Math.round((i * from) / to);
      return [start, Math.max(start + 1, Math.round(((i + 1) * from) / to))];
    };
    let at = offset;
    for (let channel = 0; channel < 3; channel++) {
      for (let row = rows.from; row < rows.to; row++) {
        const [top, bottom] = box(row, region.height, height);
        for (let column = 0; column < width; column++) {
          const [left, right] = box(column, region.width, width);
          let total = 0;
          for (let y = region.y + top; y < region.y + bottom; y++) {
            for (let x = region.x + left; x < region.x + right; x++) {
              const inside = x >= 0 && y >= 0 && x < picture.width && y < picture.height;
              if (inside) total += picture.data[(y * picture.width + x) * 3 + channel];
            }
          }
          out[at++] = (total / ((bottom - top) * (right - left)) - 127.5) / 128;
        }
      }
    }
  },
};

describe.skipIf(missing !== '')(`on 60 photos of LFW, against an independent implementation ${missing}`, () => {
  /**
   * The reference gives the published code's numbers, which count pixels from 1, without subtracting 1 (found by searching
   * for the crops that reproduce its scores: its landmarks are crop + size · p, the published ones crop + size · p − 1).
   */
  const countsFrom = 1;

  /** The person found in each photo, compared with the reference's: distances of the landmarks in pixels, overlap of the boxes. */
  async function compare(options: DetectorOptions) {
    const { detections } = JSON.parse(readFileSync(referencePath, 'utf8')) as Reference;
    const source = await openImageSource(photos);
    await using detector = await Mtcnn.create(weights!, { threads: 2, ...options });
    const found: { distances: number[]; overlap: number; score: number; faces: number }[] = [];
    for (const [index, { file }] of source.entries.entries()) {
      const picture = await decodePhoto(await source.read(index));
      const faces = await detector.detect(picture);
      const others = detections[file].faces.map(({ box, score, points }) => ({ box, score, landmarks: points }));
      const [mine, theirs] = [faces, others].map((list) => list[chooseFace(list, picture, 'nearest-center') ?? -1]);
      expect(mine, file).toBeDefined();
      found.push({
        distances: mine.landmarks.map(([x, y], k) =>
          Math.hypot(x + countsFrom - theirs.landmarks[k][0], y + countsFrom - theirs.landmarks[k][1]),
        ),
        overlap: intersectionOverUnion(
          mine.box.map((value) => value + countsFrom) as unknown as Face['box'],
          theirs.box,
        ),
        score: Math.abs(mine.score - theirs.score),
        faces: faces.length - others.length,
      });
    }
    await source.dispose();
    expect(found).toHaveLength(60);
    return found;
  }

  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;

  it('finds the person in each, at the same place, as published', async () => {
    const found = await compare({});
    const distances = found.flatMap((face) => face.distances);
    const overlaps = found.map(({ overlap }) => overlap);
    expect(mean(distances)).toBeLessThan(1.1);
    // 99 of 100 points within 4 pixels. Where the best candidates are as good as equal, the way of shrinking decides between them.
    expect(distances.filter((distance) => distance > 4).length).toBeLessThanOrEqual(3);
    expect(Math.max(...distances)).toBeLessThan(6);
    expect(mean(overlaps)).toBeGreaterThan(0.94);
    expect(Math.min(...overlaps)).toBeGreaterThan(0.86);
  });

  it('finds the same faces as the reference when it shrinks pictures as the reference does', async () => {
    const found = await compare({ resizer: wholePixels, settings: { mirroredLandmarks: false } });
    expect(found.filter(({ faces }) => faces !== 0)).toEqual([]);
    expect(mean(found.flatMap((face) => face.distances))).toBeLessThan(0.7);
    // Agreement where nothing depends on a choice: a quarter of the photos to a tenth of a pixel, in half of them the score to 1e-5.
    expect(found.filter(({ distances }) => Math.max(...distances) < 0.1).length).toBeGreaterThanOrEqual(13);
    expect(found.filter(({ score }) => score < 1e-5).length).toBeGreaterThanOrEqual(30);
  });
});
