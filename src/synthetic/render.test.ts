// Synthetic faces: repeatable, features where the person has them, symmetry, turns of the head, hair and occlusions.
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import type { Picture } from '../images/source.js';
import { type Conditions, sampleConditions } from './conditions.js';
import { hairStyles, type Identity, sampleIdentity } from './identity.js';
import { renderPhoto } from './render.js';

const person = (seed: number) => sampleIdentity(new Random(seed));

/** A frontal, evenly lit, sharp photo: only the person differs. */
function passport(identity: Identity): Conditions {
  return {
    ...sampleConditions(new Random(1), identity),
    pose: { yaw: 0, pitch: 0, roll: 0, offset: [0, 0], scale: 0.3 },
    expression: { smile: 0, mouthOpen: 0, eyesOpen: 1, browRaise: 0, gaze: [0, 0] },
    light: { direction: [0, 0, 1], key: [0.7, 0.7, 0.7], ambient: [0.5, 0.5, 0.5] },
    occlusion: { glasses: false, sunglasses: false, hat: undefined, hand: undefined },
    camera: { exposure: 1, blur: 0, noise: 0, contrast: 1, saturation: 1, jpegQuality: 90 },
  };
}

/** Mean grey level of a square about (x, y) given in lengths of the face. */
function grey(picture: Picture, x: number, y: number, reach = 1): number {
  const unit = 0.3 * picture.width;
  const column = Math.round(picture.width / 2 + x * unit);
  const row = Math.round(picture.height / 2 + (y - 0.2) * unit);
  let sum = 0;
  for (let v = row - reach; v <= row + reach; v++) {
    for (let u = column - reach; u <= column + reach; u++) {
      for (let channel = 0; channel < 3; channel++) sum += picture.data[(v * picture.width + u) * 3 + channel];
    }
  }
  return sum / (3 * (2 * reach + 1) ** 2);
}

function meanDifference(a: Picture, b: Picture): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i] - b.data[i]);
  return sum / a.data.length;
}

describe('renderPhoto', () => {
  it('gives the same pixels for the same arguments, and others for another photo', () => {
    const identity = person(5);
    const conditions = sampleConditions(new Random(9), identity);
    const once = renderPhoto(identity, conditions, 96);
    expect(renderPhoto(identity, conditions, 96).data).toEqual(once.data);
    const other = renderPhoto(identity, sampleConditions(new Random(10), identity), 96);
    expect(meanDifference(once, other)).toBeGreaterThan(5);
  });

  it('puts dark pupils where the person’s eyes are, and bright skin between the brows and on the cheeks', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const identity = { ...person(seed), hairStyle: 'bald' as const, beard: { moustache: 0, chin: 0, cheeks: 0 } };
      const { shape } = identity;
      const picture = renderPhoto(identity, passport(identity), 240);
      const cheek = grey(picture, 0.36, 0.34, 3);
      const eyes = [-1, 1].map((side) => grey(picture, side * shape.eyeSpacing * 1.1, 0.02, 2));
      for (const eye of eyes) expect(eye, `seed ${seed}`).toBeLessThan(0.8 * cheek);
      expect(grey(picture, 0, -0.45, 3), `seed ${seed}`).toBeGreaterThan(0.7 * cheek);
    }
  });

  it('is symmetric for a symmetric person without texture, facing the camera', () => {
    const base = person(3);
    const identity: Identity = { ...base, hairStyle: 'bald', moles: [], shape: { ...base.shape, asymmetry: 0 } };
    const picture = renderPhoto(identity, passport(identity), 120);
    for (const [x, y] of [
      [0.3, 0],
      [0.4, 0.4],
      [0.2, 0.7],
      [0.5, -0.3],
    ]) {
      // Skin mottling is the only difference: under 8 % of the brightness.
      const left = grey(picture, -x, y, 2);
      expect(Math.abs(left - grey(picture, x, y, 2))).toBeLessThan(0.08 * left + 4);
    }
  });

  it('differs more between two people than between two poses of one', () => {
    const [a, b] = [person(1), person(2)];
    const photo = (identity: Identity, yaw: number) => {
      const conditions = passport(identity);
      return renderPhoto(identity, { ...conditions, pose: { ...conditions.pose, yaw } }, 96);
    };
    expect(meanDifference(photo(a, 0), photo(b, 0))).toBeGreaterThan(meanDifference(photo(a, 0), photo(a, 0.08)));
  });

  it('turns the head to the viewer’s right for a positive yaw and down for a positive pitch', () => {
    const identity: Identity = { ...person(4), hairStyle: 'bald', moles: [] };
    const conditions = passport(identity);
    const noseShade = (yaw: number, pitch: number) => {
      const picture = renderPhoto(identity, { ...conditions, pose: { ...conditions.pose, yaw, pitch } }, 160);
      // Darkest spot under the nose: its nostrils.
      let darkest = Infinity;
      let found = { x: 0, y: 0 };
      for (let y = 0.25; y < 0.62; y += 0.01) {
        for (let x = -0.35; x < 0.35; x += 0.01) {
          const value = grey(picture, x, y);
          if (value < darkest) {
            darkest = value;
            found = { x, y };
          }
        }
      }
      return found;
    };
    expect(noseShade(0.4, 0).x).toBeGreaterThan(noseShade(-0.4, 0).x + 0.15);
    expect(noseShade(0, 0.15).y).toBeGreaterThan(noseShade(0, -0.15).y);
  });

  it.each(hairStyles)('draws %s hair, with every occlusion', (hairStyle) => {
    const identity: Identity = { ...person(6), hairStyle };
    const plain = passport(identity);
    const bare = renderPhoto(identity, plain, 80);
    for (const occlusion of [
      { ...plain.occlusion, glasses: true },
      { ...plain.occlusion, sunglasses: true },
      { ...plain.occlusion, hat: [0.5, 0, 0] as const },
      { ...plain.occlusion, hand: 1 as const },
    ]) {
      expect(meanDifference(bare, renderPhoto(identity, { ...plain, occlusion }, 80))).toBeGreaterThan(0.2);
    }
  });
});

describe('sampleIdentity', () => {
  it('draws plausible faces: features in order down the face and inside its outline', () => {
    for (let seed = 0; seed < 300; seed++) {
      const { shape } = person(seed);
      expect(shape.noseLength).toBeLessThan(shape.mouthHeight - shape.upperLip);
      expect(shape.mouthHeight + shape.lowerLip + 0.12).toBeLessThan(shape.chin);
      expect(shape.eyeSpacing + shape.eyeWidth).toBeLessThan(shape.width);
      expect(shape.eyeSpacing).toBeGreaterThan(shape.eyeWidth);
    }
  });
});
