// What a detected face is, in 0-based pixel coordinates with pixel centres at integers.

/** A point `[x, y]`. */
export type Point = readonly [number, number];

/** Corners `[x1, y1, x2, y2]`, both inside the box. */
export type Box = readonly [number, number, number, number];

/** Left eye, right eye, nose, left mouth corner, right mouth corner, as seen in the picture. */
export type Landmarks = readonly [Point, Point, Point, Point, Point];

export interface Face {
  readonly box: Box;
  /** The detector's probability, 0 to 1. */
  readonly score: number;
  readonly landmarks: Landmarks;
}

/** Intersection over union of two boxes, with the detector's convention that a box from x to x is one pixel wide. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1);
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1);
  const area = ([x1, y1, x2, y2]: Box) => (x2 - x1 + 1) * (y2 - y1 + 1);
  return (width * height) / (area(a) + area(b) - width * height);
}
