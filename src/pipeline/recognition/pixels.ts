// Decoded pixels as they are handed over, and the picture that they are.
import { UsageError } from '../../common/errors.js';
import type { Picture } from '../../images/source.js';

/** Decoded pixels: rows of RGB or, as a canvas gives them, RGBA (laid over black), 8 bits each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** width × height × 3 or 4 values. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** @param pixels may be anything: the last of the forms, and JavaScript checks none. */
export function toPicture(pixels: Pixels): Picture {
  const { width, height, data } = (typeof pixels === 'object' ? (pixels ?? {}) : {}) as Partial<Pixels>;
  const count = Number(width) * Number(height);
  const sized = Number.isInteger(width) && Number.isInteger(height) && count > 0;
  if (!sized || !(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new UsageError('This is not a photo.', {
      got:
        typeof pixels === 'object'
          ? `an object with ${Object.keys(pixels ?? {}).join(', ') || 'nothing'}`
          : typeof pixels,
      expected: "a path, a file's URL, bytes, a Blob, or pixels { width, height, data }",
    });
  }
  const size = { width: Number(width), height: Number(height) };
  if (data.length === count * 3) {
    return { ...size, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  }
  if (data.length === count * 4) return { ...size, data: overBlack(data) };
  throw new UsageError('The pixels do not fill the photo.', {
    got: `${data.length} values for ${width} x ${height} pixels`,
    expected: `${count * 3} (RGB) or ${count * 4} (RGBA)`,
  });
}

/** RGB of RGBA over black, as decoded photos have it. */
function overBlack(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    for (let k = 0; k < 3; k++) rgb[to + k] = Math.round((rgba[from + k] * alpha) / 255);
  }
  return rgb;
}
