// The faces of a photo, whichever way up it is: detection, the judgement of its landmarks, and quarter turns where it fails.
import type { Picture } from '../images/source.js';
import { chooseFace, type FaceChoice } from './choose.js';
import type { Face } from './geometry.js';
import type { Mtcnn } from './mtcnn/detector.js';
import { type QuarterTurn, turned, turnedBack } from './turn.js';
import { isUpright } from './upright.js';

/** `auto`: turn a photo in which no upright face is found for sure; `none`: take it as it is. */
export const rotationModes = ['auto', 'none'] as const;
export type RotationMode = (typeof rotationModes)[number];

/**
 * On an upside-down photo the detector finds, in three of ten, landmarks that lie like an upright face's. Their scores give
 * them away: from this one on a face is taken for upright (99.2 % of LFW's photos; 3.6 % of them upside down).
 */
const sureScore = 0.995;
/** No face of a wrongly turned photo has reached this one (of 1,500): the other turns need no look. */
const certainScore = 0.9999;
/** The least score of a face in a turned photo where there is none in the photo as it is: four looks find more false ones. */
const turnedScore = 0.98;
/** Sideways photos are more frequent than those upside down. */
const turns: readonly QuarterTurn[] = [90, 270, 180];

/** What was found in a photo. */
export interface FoundFaces {
  /** Best first, in the photo's own coordinates, whichever way it had to be turned. */
  readonly faces: readonly Face[];
  /** Index of the photo's person; `null` when there is no face. */
  readonly chosen: number | null;
  /** Degrees clockwise by which the photo has to be turned for the faces to be upright. */
  readonly rotation: 0 | QuarterTurn;
  /** How many finds in the photo as it is were set aside because their landmarks are not an upright face's. */
  readonly setAside: number;
}

export interface FindOptions {
  readonly choice: FaceChoice;
  readonly rotations: RotationMode;
  /** Called before each look at a turned photo: it takes as long as the first. */
  readonly onTurn?: () => void;
}

/** Looks for faces in a photo, and in the photo turned if there is no upright face for sure. */
export async function findFaces(
  detector: Pick<Mtcnn, 'detect'>,
  photo: Picture,
  { choice, rotations, onTurn }: FindOptions,
): Promise<FoundFaces> {
  const found = await detector.detect(photo);
  const upright = found.filter(isUpright);
  const setAside = found.length - upright.length;
  const asItIs = { faces: upright, chosen: chooseFace(upright, photo, choice) ?? null, rotation: 0 as const, setAside };
  let best = bestScore(upright);
  if (rotations === 'none' || best >= sureScore) return asItIs;

  let result: FoundFaces = asItIs;
  for (const turn of turns) {
    onTurn?.();
    const picture = turned(photo, turn);
    const faces = (await detector.detect(picture)).filter(isUpright);
    const score = bestScore(faces);
    if (score <= best || score < (upright.length > 0 ? sureScore : turnedScore)) continue;
    best = score;
    const chosen = chooseFace(faces, picture, choice) ?? null;
    result = { faces: faces.map((face) => turnedBack(face, turn, photo)), chosen, rotation: turn, setAside };
    if (best >= certainScore) break;
  }
  return result;
}

function bestScore(faces: readonly Face[]): number {
  return faces.reduce((most, { score }) => Math.max(most, score), 0);
}
