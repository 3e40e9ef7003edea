// A picture as one of fewer pixels shows it: averaged over areas, and enlarged again.
import type { Picture } from './source.js';

/** What a pixel of a shorter or longer axis is made of: the first pixel of the other, and the weights of it and those after it. */
interface Mixture {
  readonly first: number;
  readonly weights: readonly number[];
}

/** The picture reduced to `width` by `height` pixels, fewer than it has, and enlarged to its own size. */
export function blurred(picture: Picture, width: number, height: number): Picture {
  const [x, y] = [shortened(picture.width, width), shortened(picture.height, height)];
  const small = mixed(new Float32Array(picture.data), picture.width, x, y);
  const large = mixed(small, width, lengthened(width, picture.width), lengthened(height, picture.height));
  // Clamped arrays round.
  return { ...picture, data: new Uint8Array(new Uint8ClampedArray(large).buffer) };
}

/** Each pixel is the mean of the stretch that it covers. */
function shortened(from: number, to: number): Mixture[] {
  const stretch = from / to;
  return Array.from({ length: to }, (_, place) => {
    const [start, end] = [place * stretch, Math.min(from, (place + 1) * stretch)];
    const first = Math.floor(start);
    const covered = Array.from({ length: Math.ceil(end - 1e-9) - first }, (_, i) => {
      return Math.min(end, first + i + 1) - Math.max(start, first + i);
    });
    return { first, weights: covered.map((length) => length / stretch) };
  });
}

/** Linear between the centres of pixels, the outermost repeated. */
function lengthened(from: number, to: number): Mixture[] {
  return Array.from({ length: to }, (_, place) => {
    const centre = Math.min(from - 1, Math.max(0, ((place + 0.5) * from) / to - 0.5));
    const first = Math.min(Math.floor(centre), Math.max(0, from - 2));
    return { first, weights: from === 1 ? [1] : [1 - (centre - first), centre - first] };
  });
}

/** Interleaved RGB of a width, mixed along both axes. Plain loops: this is done to images between steps. */
function mixed(data: Float32Array, width: number, x: readonly Mixture[], y: readonly Mixture[]): Float32Array {
  const stride = width * 3;
  const row = new Float32Array(stride);
  const result = new Float32Array(y.length * x.length * 3);
  let at = 0;
  for (const { first: top, weights: down } of y) {
    row.fill(0);
    for (let i = 0; i < down.length; i++) {
      const source = (top + i) * stride;
      for (let column = 0; column < stride; column++) row[column] += down[i] * data[source + column];
    }
    for (const { first: left, weights: across } of x) {
      for (let channel = 0; channel < 3; channel++, at++) {
        let sum = 0;
        for (let i = 0; i < across.length; i++) sum += across[i] * row[(left + i) * 3 + channel];
        result[at] = sum;
      }
    }
  }
  return result;
}
