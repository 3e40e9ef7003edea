// Pictures turned by quarter turns, and faces found in them taken back to the photo as it was.
import type { Picture } from '../images/source.js';
import type { Face, Landmarks, Point } from './geometry.js';

/** Degrees clockwise by which a photo has to be turned for its faces to be upright. */
export type QuarterTurn = 90 | 180 | 270;

/** The picture, turned clockwise. */
export function turned({ width, height, data }: Picture, turn: QuarterTurn): Picture {
  const across = turn !== 180;
  const result = {
    width: across ? height : width,
    height: across ? width : height,
    data: new Uint8Array(data.length),
  };
  // Where pixel (0, 0) of the result comes from, and how far it is from there to the next in its row and in its column.
  const [first, toRight, toBelow] = {
    90: [(height - 1) * width, -width, 1],
    180: [width * height - 1, -1, -width],
    270: [width - 1, width, -1],
  }[turn];
  let at = 0;
  for (let y = 0; y < result.height; y++) {
    let from = 3 * (first + y * toBelow);
    for (let x = 0; x < result.width; x++, from += 3 * toRight) {
      result.data[at++] = data[from];
      result.data[at++] = data[from + 1];
      result.data[at++] = data[from + 2];
    }
  }
  return result;
}

/**
 * A face found in the turned picture, in the coordinates of the photo before. Its landmarks keep their meaning: the left eye
 * is the left one of the upright face.
 * @param photo size of the photo before it was turned
 */
export function turnedBack(
  { box, score, landmarks }: Face,
  turn: QuarterTurn,
  photo: { readonly width: number; readonly height: number },
): Face {
  const back = ([x, y]: Point): Point => {
    switch (turn) {
      case 90:
        return [y, photo.height - 1 - x];
      case 180:
        return [photo.width - 1 - x, photo.height - 1 - y];
      case 270:
        return [photo.width - 1 - y, x];
    }
  };
  const [a, b] = [back([box[0], box[1]]), back([box[2], box[3]])];
  return {
    box: [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])],
    score,
    landmarks: landmarks.map(back) as unknown as Landmarks,
  };
}
