// Photos that lie on their side: the judgement of landmarks, quarter turns and the way back, and which turn wins.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodePhoto } from '../images/decode.js';
import type { Picture } from '../images/source.js';
import { sharedMtcnn } from '../testing/mtcnn-weights.js';
import { alignFace } from './align.js';
import { findFaces } from './find-faces.js';
import type { Face, Landmarks, Point } from './geometry.js';
import { Mtcnn } from './mtcnn/detector.js';
import { loadMtcnnWeights } from './mtcnn/weights.js';
import { templates } from './template.js';
import { type QuarterTurn, turned, turnedBack } from './turn.js';
import { fitTemplate, isUpright } from './upright.js';

const template = templates['112x112'];
const shared = (path: string) => fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
const turns: readonly QuarterTurn[] = [90, 180, 270];

/** The template's face, tilted clockwise about the middle of its box, with the box around it that the detector would draw. */
function tilted(degrees: number): Face {
  const angle = (degrees * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const landmarks = template.landmarks.map(([x, y]): Point => [
    56 + cosine * (x - 56) - sine * (y - 56),
    56 + sine * (x - 56) + cosine * (y - 56),
  ]) as unknown as Landmarks;
  return { box: [2, 2, 109, 109], score: 0.98, landmarks };
}

function noise(width: number, height: number): Picture {
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 89 + (i >> 5) * 31) & 255),
  };
}

describe('isUpright', () => {
  it.each([-59, -40, 0, 25, 59])('takes a face tilted by %i°', (degrees) => {
    expect(fitTemplate(tilted(degrees).landmarks).tilt).toBeCloseTo(degrees, 6);
    expect(isUpright(tilted(degrees))).toBe(true);
  });

  it.each([-61, 90, 135, 180, 270])('refuses a face tilted by %i°', (degrees) => {
    expect(isUpright(tilted(degrees))).toBe(false);
  });

  it('refuses landmarks that are no face’s: mirrored, in a heap, one point, no numbers', () => {
    const { box, score, landmarks } = tilted(0);
    const changed = (change: (point: Point) => Point) =>
      isUpright({ box, score, landmarks: landmarks.map(change) as unknown as Landmarks });
    expect(changed((point) => point)).toBe(true);
    expect(changed(([x, y]) => [112 - x, y])).toBe(false);
    expect(changed(([x, y]) => [56 + (x - 56) / 3, 56 + (y - 56) / 3])).toBe(false);
    expect(changed(() => [5, 5])).toBe(false);
    expect(changed(() => [NaN, 5])).toBe(false);
  });

  const reference = shared('reference/mtcnn-detections.json');
  it.skipIf(!existsSync(reference))(
    'takes every face that another implementation found (skipped without ../shared)',
    () => {
      const { detections } = JSON.parse(readFileSync(reference, 'utf8')) as {
        detections: Record<string, { faces: { box: Face['box']; score: number; points: Landmarks }[] }>;
      };
      const faces = Object.values(detections).flatMap((photo) => photo.faces);
      expect(faces.length).toBeGreaterThan(50);
      for (const { box, score, points } of faces) expect(isUpright({ box, score, landmarks: points })).toBe(true);
    },
  );
});

describe('a quarter turn', () => {
  it.each(turns)('by %i° moves pixels clockwise, and points back to where they were', (turn) => {
    const photo = noise(7, 4);
    const picture = turned(photo, turn);
    expect([picture.width, picture.height]).toEqual(turn === 180 ? [7, 4] : [4, 7]);
    for (let y = 0; y < picture.height; y++) {
      for (let x = 0; x < picture.width; x++) {
        const corner: Point = [x, y];
        const face: Face = { box: [x, y, x, y], score: 1, landmarks: [corner, corner, corner, corner, corner] };
        const { box, landmarks } = turnedBack(face, turn, photo);
        const [[u, v]] = landmarks;
        expect(box).toEqual([u, v, u, v]);
        const at = 3 * (y * picture.width + x);
        const from = 3 * (v * photo.width + u);
        expect([...picture.data.subarray(at, at + 3)]).toEqual([...photo.data.subarray(from, from + 3)]);
      }
    }
  });

  it('by 90° takes the top left corner to the top right', () => {
    const photo = noise(7, 4);
    expect([...turned(photo, 90).data.subarray(9, 12)]).toEqual([...photo.data.subarray(0, 3)]);
  });

  it.each(turns)('by %i° and the landmarks taken back give the same upright crop', (turn) => {
    const upright = noise(130, 120);
    // Turned this way it is the photo that has to be turned by `turn`.
    const photo = turned(upright, (360 - turn) as QuarterTurn);
    const face = tilted(10);
    const crop = alignFace(photo, turnedBack(face, turn, photo).landmarks, template);
    const wanted = alignFace(upright, face.landmarks, template);
    const worst = crop.data.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted.data[i])), 0);
    expect(worst).toBeLessThanOrEqual(1);
  });
});

describe('findFaces', () => {
  /** Sees `scores[turns]` where the photo has been turned by that; the mark in its first pixel tells. */
  function seeing(scores: Partial<Record<0 | QuarterTurn, Face[]>>) {
    const photo: Picture = { width: 200, height: 100, data: new Uint8Array(60_000) };
    photo.data[0] = 255;
    let looks = 0;
    const detect = (picture: Picture) => {
      looks++;
      const { width, height, data } = picture;
      const corners = { 0: 0, 90: width - 1, 180: width * height - 1, 270: (height - 1) * width };
      const turn = ([0, 90, 180, 270] as const).find(
        (angle) => data[3 * corners[angle]] === 255 && (angle % 180 === 0) === (width === 200),
      )!;
      return Promise.resolve(scores[turn] ?? []);
    };
    const options = { choice: 'nearest-center', rotations: 'auto' } as const;
    return { detector: { detect }, photo, options, looks: () => looks };
  }
  const scored = (score: number, degrees = 0): Face => ({ ...tilted(degrees), score });

  it('looks once where an upright face is sure', async () => {
    const { detector, photo, options, looks } = seeing({ 0: [scored(0.999)], 180: [scored(1)] });
    const { rotation, faces, setAside } = await findFaces(detector, photo, options);
    expect([rotation, faces.length, setAside, looks()]).toEqual([0, 1, 0, 1]);
  });

  it.each(turns)('turns by %i° where the upright face is there', async (turn) => {
    const { detector, photo, options } = seeing({ 0: [scored(0.98, 180)], [turn]: [scored(0.9999)] });
    const { rotation, faces, chosen, setAside } = await findFaces(detector, photo, options);
    expect([rotation, chosen, setAside]).toEqual([turn, 0, 1]);
    expect(faces).toEqual([turnedBack(scored(0.9999), turn, photo)]);
  });

  it('turns an upside-down photo although there are landmarks like an upright face’s, and no upright one', async () => {
    const upsideDown = seeing({ 0: [scored(0.98)], 180: [scored(0.9999)] });
    expect((await findFaces(upsideDown.detector, upsideDown.photo, upsideDown.options)).rotation).toBe(180);
    const upright = seeing({ 0: [scored(0.97)], 180: [scored(0.98)] });
    expect((await findFaces(upright.detector, upright.photo, upright.options)).rotation).toBe(0);
  });

  it('leaves garbage out, and turns nothing, where it is told so', async () => {
    const { detector, photo, options } = seeing({ 0: [scored(0.98, 180)], 180: [scored(1)] });
    const found = await findFaces(detector, photo, { ...options, rotations: 'none' });
    expect(found).toEqual({ faces: [], chosen: null, rotation: 0, setAside: 1 });
  });

  const cases = shared('cases/turned');
  const there = existsSync(cases) && existsSync(sharedMtcnn);
  it.skipIf(!there)('finds the faces of photos without EXIF, whichever way up', async () => {
    const { weights } = await loadMtcnnWeights({ models: sharedMtcnn });
    await using detector = await Mtcnn.create(weights, { threads: 1 });
    const expected = { '000': [0], '060': [0, 90], '090': [90], '135': [90, 180, 270], '180': [180], '270': [270] };
    for (const [name, rotations] of Object.entries(expected)) {
      const photo = await decodePhoto(readFileSync(`${cases}/${name}.jpg`));
      const found = await findFaces(detector, photo, { choice: 'nearest-center', rotations: 'auto' });
      expect(found.faces.length, name).toBe(1);
      expect(rotations, name).toContain(found.rotation);
    }
  });
});
