// A face that was found in a photo, and the crop that a model takes of it.
import { alignFace } from '../../faces/align.js';
import type { Box, Face, Landmarks } from '../../faces/geometry.js';
import type { QuarterTurn } from '../../faces/turn.js';
import type { Picture } from '../../images/source.js';
import type { ModelCrops } from './model-crops.js';

/** A detected face, of a photo that is kept with it. */
export class DetectedFace implements Face {
  /** `[x1, y1, x2, y2]`, pixels of the photo from 0, both corners inside. */
  readonly box: Box;
  /** The detector's probability, 0 to 1. */
  readonly score: number;
  /** Left eye, right eye, nose, left mouth corner, right mouth corner, as seen in the upright face; in the photo's pixels. */
  readonly landmarks: Landmarks;

  constructor(
    /** The photo's path; `the photo` where it has none. */
    readonly file: string,
    private readonly photo: Picture,
    { box, score, landmarks }: Face,
    /** Whether it is the one that stands for the photo, by the rule `choose`. */
    readonly chosen: boolean,
    private readonly crops: ModelCrops,
    /** Degrees clockwise by which the photo has to be turned for its faces to be upright; `undefined` where it is upright. */
    readonly rotation?: QuarterTurn,
  ) {
    this.box = box;
    this.score = score;
    this.landmarks = landmarks;
  }

  /** The aligned crop, of the model's template and size. */
  crop(): Picture {
    const { template, solver } = this.crops;
    return alignFace(this.photo, this.landmarks, template, solver);
  }
}
