// Which face of a photo is the photo's person.
import type { Face } from './geometry.js';

/** `nearest-center` is the published rule; size plays no part in it. */
export const faceChoices = ['nearest-center', 'largest', 'center-weighted'] as const;
export type FaceChoice = (typeof faceChoices)[number];

/**
 * The index of the chosen face, `undefined` when there is none.
 *
 * - `nearest-center`: the box centre nearest the picture's centre (face_detect_demo.m, which puts the centre of a picture
 *   of n pixels at pixel n/2, counted from 1).
 * - `largest`: the largest box.
 * - `center-weighted`: the largest box area − 2 · (squared distance to the centre), FaceNet's rule for photos with bystanders.
 */
export function chooseFace(
  faces: readonly Face[],
  picture: { readonly width: number; readonly height: number },
  choice: FaceChoice,
): number | undefined {
  let best: number | undefined;
  let bestMerit = -Infinity;
  faces.forEach((face, index) => {
    const merit = meritOf(face, picture, choice);
    if (merit > bestMerit) {
      best = index;
      bestMerit = merit;
    }
  });
  return best;
}

function meritOf(
  { box }: Face,
  picture: { readonly width: number; readonly height: number },
  choice: FaceChoice,
): number {
  const [x1, y1, x2, y2] = box;
  const dx = (x1 + x2) / 2 - (picture.width / 2 - 1);
  const dy = (y1 + y2) / 2 - (picture.height / 2 - 1);
  const distance = dx * dx + dy * dy;
  const area = (x2 - x1 + 1) * (y2 - y1 + 1);
  switch (choice) {
    case 'nearest-center':
      return -distance;
    case 'largest':
      return area;
    case 'center-weighted':
      return area - 2 * distance;
  }
}
