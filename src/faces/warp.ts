// Resamples a picture through an affine transform: bilinear, black outside.
import type { Picture } from '../images/source.js';
import type { Affine } from './similarity.js';

/**
 * Fills a `width` × `height` crop: its pixel (x, y) is the picture at `cropToPhoto`(x, y), interpolated bilinearly. What
 * lies outside the picture is 0, and blends into pixels at its edge (Matlab's `imtransform` with its defaults).
 */
export function warp(picture: Picture, cropToPhoto: Affine, width: number, height: number): Picture {
  const { a, b, c, d, e, f } = cropToPhoto;
  const { width: w, height: h, data: source } = picture;
  const crop = new Uint8Array(width * height * 3);
  const pixel = (x: number, y: number, channel: number) =>
    x >= 0 && x < w && y >= 0 && y < h ? source[(y * w + x) * 3 + channel] : 0;
  let out = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, out += 3) {
      const u = a * x + b * y + c;
      const v = d * x + e * y + f;
      const left = Math.floor(u);
      const top = Math.floor(v);
      if (!(left >= -1 && left < w && top >= -1 && top < h)) continue;
      const fu = u - left;
      const fv = v - top;
      const w00 = (1 - fu) * (1 - fv);
      const w10 = fu * (1 - fv);
      const w01 = (1 - fu) * fv;
      const w11 = fu * fv;
      if (left >= 0 && top >= 0 && left < w - 1 && top < h - 1) {
        const at = (top * w + left) * 3;
        const below = at + w * 3;
        for (let k = 0; k < 3; k++) {
          crop[out + k] =
            w00 * source[at + k] +
            w10 * source[at + 3 + k] +
            w01 * source[below + k] +
            w11 * source[below + 3 + k] +
            0.5;
        }
      } else {
        for (let k = 0; k < 3; k++) {
          crop[out + k] =
            w00 * pixel(left, top, k) +
            w10 * pixel(left + 1, top, k) +
            w01 * pixel(left, top + 1, k) +
            w11 * pixel(left + 1, top + 1, k) +
            0.5;
        }
      }
    }
  }
  return { width, height, data: crop };
}
