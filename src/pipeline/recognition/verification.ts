// Whether two sides of photos show one person: their embeddings compared.
import { cosine, meanDirection } from '../../evaluation/metrics/cosine.js';
import type { QuarterTurn } from '../../faces/turn.js';
import type { Threshold } from './threshold.js';

/** What `verify` says. */
export interface Verification {
  /** Cosine of the two sides' embeddings, −1 to 1. */
  readonly similarity: number;
  /** Whether it is above the threshold; `undefined` where there is none: the model is not calibrated, and none was given. */
  readonly same: boolean | undefined;
  readonly threshold: number | undefined;
  /** The share of different people's pairs above the threshold, on the pairs that the model was calibrated on. */
  readonly falseAcceptRate: number | undefined;
  /** The share of one person's pairs above it. */
  readonly trueAcceptRate: number | undefined;
  /** The photos of either side, and how many faces each has (`undefined` for crops). */
  readonly photos: readonly [readonly ComparedPhoto[], readonly ComparedPhoto[]];
}

export interface ComparedPhoto {
  readonly file: string;
  readonly faces: number | undefined;
  /** Degrees clockwise by which the photo had to be turned; absent where it is upright. */
  readonly rotation?: QuarterTurn;
}

/** A face's embedding, and the photo that it is of. */
export interface EmbeddedPhoto extends ComparedPhoto {
  readonly embedding: Float32Array;
}

/** Compares the mean directions of two sides of one photo or more. @param chosen the threshold; `undefined`: nothing is decided. */
export function verificationOf(
  left: readonly EmbeddedPhoto[],
  right: readonly EmbeddedPhoto[],
  chosen: Threshold | undefined,
): Verification {
  const [x, y] = [left, right].map((side) => meanDirection(side.map(({ embedding }) => embedding)));
  const similarity = cosine(x!, y!);
  const compared = (side: readonly EmbeddedPhoto[]): ComparedPhoto[] =>
    side.map(({ file, faces, rotation }) => ({ file, faces, ...(rotation === undefined ? {} : { rotation }) }));
  return {
    similarity,
    same: chosen === undefined ? undefined : similarity > chosen.threshold,
    threshold: chosen?.threshold,
    falseAcceptRate: chosen?.falseAcceptRate,
    trueAcceptRate: chosen?.trueAcceptRate,
    photos: [compared(left), compared(right)],
  };
}
