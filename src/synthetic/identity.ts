// Who a synthetic person is: the geometry and colouring that all photos of the person share.
import type { Random } from '../common/random.js';
import { type Colour, clamp, fromSrgb, mixColour, ramp, scaleColour } from './numeric.js';

/**
 * Lengths of the face. The unit is half the height of the head; the origin lies between the eyes on the head's vertical
 * axis, x to the viewer's right, y down, z towards the viewer.
 */
export interface FaceShape {
  /** Half the width at the cheekbones. */
  readonly width: number;
  /** From the eyes up to the crown. */
  readonly crown: number;
  /** From the eyes down to the chin. */
  readonly chin: number;
  /** 0.45 (square jaw) … 0.95 (pointed). */
  readonly jawRoundness: number;
  /** How much narrower the lower face gets, 0.1 … 0.4. */
  readonly jawTaper: number;
  readonly foreheadRoundness: number;
  /** From the middle to the centre of an eye. */
  readonly eyeSpacing: number;
  /** Half the length of the eye's opening. */
  readonly eyeWidth: number;
  /** Height of the upper lid over the line between the corners. */
  readonly eyeHeight: number;
  /** Slope of the eye, radians; positive: outer corner higher. */
  readonly eyeTilt: number;
  readonly socketDepth: number;
  readonly browHeight: number;
  readonly browThickness: number;
  readonly browArch: number;
  readonly browTilt: number;
  readonly browRidge: number;
  /** From the eyes down to the base of the nose. */
  readonly noseLength: number;
  /** Half the width over the nostrils. */
  readonly noseWidth: number;
  readonly noseBridge: number;
  readonly noseTip: number;
  readonly cheekbones: number;
  /** From the eyes down to the line between the lips. */
  readonly mouthHeight: number;
  readonly mouthWidth: number;
  readonly upperLip: number;
  readonly lowerLip: number;
  readonly chinBoss: number;
  readonly earSize: number;
  /** −0.1 … 0.1: how much the right half differs from the left. */
  readonly asymmetry: number;
}

export const hairStyles = ['bald', 'cropped', 'short', 'parted', 'fringe', 'long', 'bun', 'afro'] as const;
export type HairStyle = (typeof hairStyles)[number];

/** A mole: where on the face, and its radius. */
export interface Mole {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** All that photos of one person share. */
export interface Identity {
  /** Seed of the person's textures (skin, hair strands). */
  readonly texture: number;
  readonly shape: FaceShape;
  readonly skin: Colour;
  readonly lips: Colour;
  readonly iris: Colour;
  readonly hair: Colour;
  readonly brows: Colour;
  readonly hairStyle: HairStyle;
  /** Height of the front hairline over the eyes. */
  readonly hairline: number;
  /** Thickness of the hair over the skull. */
  readonly hairVolume: number;
  /** Moustache, chin, cheeks: 0 (shaven) … 1 (full). */
  readonly beard: { readonly moustache: number; readonly chin: number; readonly cheeks: number };
  readonly moles: readonly Mole[];
  readonly freckles: number;
  /** 0 … 1: depth of folds and lines. */
  readonly age: number;
  /** How often the person wears glasses, and their frame. */
  readonly glasses: {
    readonly chance: number;
    readonly round: boolean;
    readonly frame: Colour;
    readonly thickness: number;
  };
}

const skins: readonly Colour[] = [
  fromSrgb(243, 208, 190),
  fromSrgb(226, 180, 152),
  fromSrgb(200, 148, 116),
  fromSrgb(158, 108, 80),
  fromSrgb(112, 74, 56),
  fromSrgb(78, 52, 42),
];

const hairs: readonly Colour[] = [
  fromSrgb(24, 20, 20),
  fromSrgb(48, 34, 28),
  fromSrgb(84, 56, 40),
  fromSrgb(134, 90, 56),
  fromSrgb(196, 156, 100),
];

const irises: readonly Colour[] = [
  fromSrgb(44, 28, 20),
  fromSrgb(84, 54, 32),
  fromSrgb(112, 100, 60),
  fromSrgb(92, 116, 104),
  fromSrgb(92, 128, 160),
];

/** Draws a person. Lengths are Gaussian about an average face, cut at 2.2 deviations so that every face is plausible. */
export function sampleIdentity(random: Random): Identity {
  const vary = (mean: number, deviation: number) => mean + deviation * clamp(random.gaussian(), -2.2, 2.2);
  const texture = random.uint32();
  const noseLength = vary(0.45, 0.045);
  const mouthHeight = noseLength + vary(0.24, 0.025);
  const shape: FaceShape = {
    width: vary(0.75, 0.04),
    crown: vary(1.06, 0.05),
    chin: mouthHeight + vary(0.44, 0.045),
    jawRoundness: vary(0.66, 0.11),
    jawTaper: vary(0.24, 0.06),
    foreheadRoundness: vary(0.82, 0.1),
    eyeSpacing: vary(0.315, 0.022),
    eyeWidth: vary(0.158, 0.012),
    eyeHeight: vary(0.07, 0.012),
    eyeTilt: vary(0.05, 0.07),
    socketDepth: vary(0.09, 0.025),
    browHeight: vary(0.19, 0.028),
    browThickness: vary(0.036, 0.01),
    browArch: vary(0.035, 0.022),
    browTilt: vary(0.02, 0.07),
    browRidge: vary(0.04, 0.02),
    noseLength,
    noseWidth: vary(0.135, 0.022),
    noseBridge: vary(0.1, 0.028),
    noseTip: vary(0.25, 0.035),
    cheekbones: vary(0.04, 0.018),
    mouthHeight,
    mouthWidth: vary(0.25, 0.028),
    upperLip: vary(0.05, 0.014),
    lowerLip: vary(0.068, 0.016),
    chinBoss: vary(0.06, 0.025),
    earSize: vary(0.19, 0.025),
    asymmetry: vary(0, 0.025),
  };
  const tone = random.uniform();
  const skinTint = vary(0, 0.04);
  const base = ramp(skins, tone);
  const skin: Colour = [base[0] * (1 + skinTint), base[1], base[2] * (1 - skinTint)];
  const darkest = tone > 0.55 ? 0.3 : 1;
  const grey = random.uniform() < 0.14 ? random.between(0.35, 0.9) : 0;
  const natural = ramp(hairs, random.uniform() * darkest);
  const red = random.uniform() < 0.08 && tone < 0.4;
  const hair = mixColour(red ? fromSrgb(140, 62, 30) : natural, fromSrgb(188, 186, 182), grey);
  const bearded = random.uniform() < 0.3;
  return {
    texture,
    shape,
    skin,
    lips: mixColour([skin[0] * 0.82, skin[1] * 0.52, skin[2] * 0.52], fromSrgb(150, 40, 50), random.between(0, 0.45)),
    iris: ramp(irises, random.uniform() * (tone > 0.6 ? 0.35 : 1)),
    hair,
    brows: scaleColour(hair, grey > 0 ? 0.6 : 0.75),
    hairStyle: hairStyles[random.integer(hairStyles.length)],
    hairline: vary(0.62, 0.07),
    hairVolume: vary(0.11, 0.03),
    beard: {
      moustache: bearded ? random.uniform() : 0,
      chin: bearded ? random.uniform() : 0,
      cheeks: bearded ? random.between(0, 0.9) : 0,
    },
    moles: Array.from({ length: random.integer(4) }, () => ({
      x: random.between(-0.5, 0.5),
      y: random.between(0.1, 0.85),
      radius: random.between(0.012, 0.024),
    })),
    freckles: random.uniform() < 0.2 ? random.uniform() : 0,
    age: random.uniform(),
    glasses: {
      chance: random.uniform() < 0.3 ? 0.7 : 0.06,
      round: random.uniform() < 0.5,
      frame: ramp([fromSrgb(18, 18, 20), fromSrgb(70, 44, 30), fromSrgb(150, 150, 155)], random.uniform()),
      thickness: random.between(0.012, 0.026),
    },
  };
}
