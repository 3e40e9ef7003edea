// Whether five landmarks are those of an upright face: on a photo that lies on its side the detector still answers, with garbage.
import type { Face, Landmarks } from './geometry.js';
import { fitSimilarity } from './similarity.js';
import { templates } from './template.js';

const { landmarks: template } = templates['112x112'];
/** The side of the box that MTCNN draws around the template's face, in the template's pixels: the median of 5,744 faces. */
const templateBoxSide = 107;

/**
 * What the landmarks of an upright face stay within. Of 5,957 faces in photos of LFW and CelebA, frontal to profile, none
 * comes near: the largest tilt is 39°, the largest misfit 14.6, the smallest share 0.68.
 */
const bounds = {
  /** Tilt of the template that fits best, in degrees. */
  tilt: 60,
  /** Root mean square distance from it, in its pixels (its eyes are 35 apart). */
  misfit: 20,
  /** Its size, as a share of what the box lets expect. */
  share: 0.5,
} as const;

/** How the template lies when it is laid over landmarks as well as a turn, one scale and a shift can. */
export interface Fit {
  /** Degrees clockwise by which the face is tilted, −180 to 180; 0: the mouth is right below the eyes. */
  readonly tilt: number;
  /** Root mean square distance from the landmarks, in pixels of the template. */
  readonly misfit: number;
  /** Photo pixels to a pixel of the template. */
  readonly scale: number;
}

export function fitTemplate(landmarks: Landmarks): Fit {
  const { a, b, c, d, e, f } = fitSimilarity(template, landmarks, 'umeyama');
  const scale = Math.hypot(a, d);
  const squares = landmarks.map(([x, y], i) => {
    const [u, v] = template[i];
    return (a * u + b * v + c - x) ** 2 + (d * u + e * v + f - y) ** 2;
  });
  const sum = squares.reduce((total, square) => total + square, 0);
  return { tilt: (Math.atan2(d, a) * 180) / Math.PI, misfit: Math.sqrt(sum / 5) / scale, scale };
}

/** Whether the landmarks can be an upright face's: tilted by 60° at most, of a face's shape, and filling the box. */
export function isUpright({ box, landmarks }: Face): boolean {
  const [[x, y]] = landmarks;
  // Points that are no numbers, or all one point, have no similarity.
  if (!landmarks.flat().every(Number.isFinite) || landmarks.every((point) => point[0] === x && point[1] === y))
    return false;
  const { tilt, misfit, scale } = fitTemplate(landmarks);
  const side = Math.max(box[2] - box[0], box[3] - box[1]);
  const share = (scale * templateBoxSide) / side;
  return Math.abs(tilt) <= bounds.tilt && misfit <= bounds.misfit && share >= bounds.share;
}
