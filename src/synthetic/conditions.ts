// What differs between two photos of one person: pose, expression, light, surroundings, occlusion and the camera.
import type { Random } from '../common/random.js';
import type { Identity } from './identity.js';
import { type Colour, clamp } from './numeric.js';

/** The head's rotation in radians and its place in the picture. */
export interface Pose {
  /** About the vertical axis; positive: turned to the viewer's right. */
  readonly yaw: number;
  /** Positive: looking down. */
  readonly pitch: number;
  /** In the picture's plane; positive: clockwise. */
  readonly roll: number;
  /** Offset of the head from the picture's centre, in picture heights. */
  readonly offset: readonly [number, number];
  /** Pixels per unit of length (half a head), in picture heights. */
  readonly scale: number;
}

/** Deviations from the neutral face. */
export interface Expression {
  /** −0.4 (sad) … 1 (broad smile). */
  readonly smile: number;
  /** Gap between the lips, 0 … 0.16. */
  readonly mouthOpen: number;
  /** 0.55 (squinting) … 1.25 (wide). */
  readonly eyesOpen: number;
  /** How far the brows are raised, −0.04 … 0.06. */
  readonly browRaise: number;
  /** Where the eyes look, in lengths of the face. */
  readonly gaze: readonly [number, number];
}

/** One lamp and its surroundings. */
export interface Light {
  /** Unit vector towards the lamp; z towards the viewer. */
  readonly direction: readonly [number, number, number];
  readonly key: Colour;
  readonly ambient: Colour;
}

/** Things in front of the face. */
export interface Occlusion {
  readonly glasses: boolean;
  readonly sunglasses: boolean;
  /** A hat's colour, or none. */
  readonly hat: Colour | undefined;
  /** A hand that covers part of the lower face, from which side (−1, 1), or none. */
  readonly hand: -1 | 1 | undefined;
}

/** What the camera does to the picture. */
export interface Camera {
  readonly exposure: number;
  /** Standard deviation of the blur in pixels of a 160-pixel picture. */
  readonly blur: number;
  /** Standard deviation of the noise in grey levels. */
  readonly noise: number;
  readonly contrast: number;
  /** 0 (grey) … 1 (full colour). */
  readonly saturation: number;
  readonly jpegQuality: number;
}

/** All that makes one photo of a person. */
export interface Conditions {
  /** Seed of the photo's own textures: background, noise. */
  readonly texture: number;
  readonly pose: Pose;
  readonly expression: Expression;
  readonly light: Light;
  readonly occlusion: Occlusion;
  readonly clothes: Colour;
  readonly camera: Camera;
}

/** Draws the conditions of one photo of `identity`. */
export function sampleConditions(random: Random, identity: Identity): Conditions {
  const vary = (mean: number, deviation: number) => mean + deviation * clamp(random.gaussian(), -2.2, 2.2);
  const chance = (probability: number) => random.uniform() < probability;
  const texture = random.uint32();
  const azimuth = vary(0, 0.6);
  const elevation = vary(0.45, 0.3);
  const warmth = vary(0, 0.12);
  const key = random.between(0.55, 1);
  const ambient = random.between(0.3, 0.55);
  const smiling = chance(0.55);
  return {
    texture,
    pose: {
      yaw: vary(0, 0.26),
      pitch: vary(0, 0.12),
      roll: vary(0, 0.11),
      offset: [vary(0, 0.025), vary(0.02, 0.02)],
      scale: vary(0.315, 0.025),
    },
    expression: {
      smile: smiling ? random.between(0.2, 1) : random.between(-0.35, 0.2),
      mouthOpen: chance(0.35) ? random.between(0.02, 0.13) : 0,
      eyesOpen: random.between(0.7, 1.15),
      browRaise: vary(0, 0.018),
      gaze: [vary(0, 0.02), vary(0, 0.008)],
    },
    light: {
      direction: [
        Math.sin(azimuth) * Math.cos(elevation),
        -Math.sin(elevation),
        Math.cos(azimuth) * Math.cos(elevation),
      ],
      key: [key * (1 + warmth), key, key * (1 - warmth)],
      ambient: [ambient * (1 - warmth * 0.6), ambient, ambient * (1 + warmth * 0.6)],
    },
    occlusion: {
      glasses: chance(identity.glasses.chance),
      sunglasses: chance(0.02),
      hat: chance(0.07) ? [random.between(0.01, 0.5), random.between(0.01, 0.4), random.between(0.01, 0.4)] : undefined,
      hand: chance(0.05) ? (chance(0.5) ? -1 : 1) : undefined,
    },
    clothes: [random.between(0.01, 0.6), random.between(0.01, 0.6), random.between(0.01, 0.6)],
    camera: {
      exposure: random.between(0.8, 1.2) * automaticExposure(identity),
      blur: chance(0.3) ? random.between(0.5, 1.3) : random.between(0, 0.5),
      noise: random.between(0.5, 7),
      contrast: random.between(0.85, 1.15),
      saturation: chance(0.04) ? 0 : random.between(0.75, 1.1),
      jpegQuality: 70 + random.integer(26),
    },
  };
}

/** Cameras open up for dark subjects and close for bright ones, though not all the way. */
function automaticExposure({ skin }: Identity): number {
  const luminance = 0.3 * skin[0] + 0.59 * skin[1] + 0.11 * skin[2];
  return clamp((0.32 / luminance) ** 0.35, 0.8, 2);
}
