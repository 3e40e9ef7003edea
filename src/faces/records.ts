// The lines of detections.jsonl: what was found in each photo.
import { z } from 'zod';
import { withoutMark } from '../common/byte-order-mark.js';
import { SphereFaceError, messageOf } from '../common/errors.js';
import type { Face } from './geometry.js';
import type { QuarterTurn } from './turn.js';

/** A photo in which the detector looked. */
export interface DetectedPhoto {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  /** Best first; empty when there is none. */
  readonly faces: readonly Face[];
  /** Which of the faces is the photo's person; `null` when there is none. */
  readonly chosen: number | null;
  /**
   * Degrees clockwise by which the photo has to be turned for the faces to be upright; absent: it is upright as it is. Boxes
   * and landmarks are in the photo's own coordinates all the same.
   */
  readonly rotation?: QuarterTurn;
  /** The file was truncated or damaged; the faces are in what is there of it. */
  readonly damaged?: true;
}

/** A photo that could not be read. */
export interface UnreadablePhoto {
  readonly file: string;
  readonly error: string;
}

export type DetectionRecord = DetectedPhoto | UnreadablePhoto;

export function isUnreadable(record: DetectionRecord): record is UnreadablePhoto {
  return 'error' in record;
}

const point = z.tuple([z.number(), z.number()]);
const face = z.object({
  box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  score: z.number(),
  landmarks: z.tuple([point, point, point, point, point]),
});
const detected = z
  .object({
    file: z.string().min(1),
    width: z.number().int().positive(),
    height: z.number().int().positive(),
    faces: z.array(face),
    chosen: z.number().int().nonnegative().nullable(),
    rotation: z.literal([90, 180, 270]).optional(),
    damaged: z.literal(true).optional(),
  })
  .refine(({ faces, chosen }) => (chosen === null ? faces.length === 0 : chosen < faces.length), {
    error: '"chosen" must be the index of a face, or null when there is none',
  });
const record = z.union([z.object({ file: z.string().min(1), error: z.string() }), detected]);

/** Three decimals of a pixel are more than the detector knows. */
const decimals = 1000;
const rounded = (value: number): number => Math.round(value * decimals) / decimals;

/** A line of detections.jsonl, without the line break. */
export function formatDetection(detection: DetectionRecord): string {
  if (isUnreadable(detection)) return JSON.stringify(detection);
  const { file, width, height, faces, chosen, rotation, damaged } = detection;
  const lines = faces.map(({ box, score, landmarks }) => ({
    box: box.map(rounded),
    score: Math.round(score * 1e6) / 1e6,
    landmarks: landmarks.map((p) => p.map(rounded)),
  }));
  return JSON.stringify({ file, width, height, faces: lines, chosen, rotation, damaged });
}

/** Reads a line. @throws SphereFaceError that names the line. */
export function parseDetection(text: string, line: number): DetectionRecord {
  try {
    return record.parse(JSON.parse(withoutMark(text)));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new SphereFaceError(`Line ${line} of the detections cannot be read.`, {
      got: `${text.slice(0, 120)}\n       ${why}`,
      expected: 'a line as `sphereface detect` writes it',
      next: 'run: sphereface detect PHOTOS -o detections.jsonl',
      cause: error,
    });
  }
}
