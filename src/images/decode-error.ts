// Why an image cannot be decoded, in words that depend on nothing but the image: the same on every run.
import { SphereFaceError } from '../common/errors.js';

/** An image that cannot be decoded. The caller counts and lists it; it is never a reason to stop. */
export class ImageDecodeError extends SphereFaceError {}

/** An image whose data end early, or hold something else than they should. */
export function damagedImage(kind: string, bytes: Uint8Array, cause?: unknown): ImageDecodeError {
  return new ImageDecodeError('The image file is truncated or damaged.', {
    got: `a ${kind} of ${bytes.length} bytes`,
    next: 'copy or download the file again',
    cause,
  });
}

/** An image of a kind that is known and not read, or of a variant that is not. */
export function unreadKind(kind: string, advice = 'convert it to JPEG or PNG'): ImageDecodeError {
  return new ImageDecodeError(`The file is ${kind}, which is not read.`, { next: advice });
}

/** Refuses an image of more pixels than a bound, before any memory is taken for them. */
export function assertPixels(width: number, height: number, limit: number): void {
  if (width * height <= limit) return;
  throw new ImageDecodeError('The image is too large to decode.', {
    got: `${width} x ${height} pixels`,
    expected: `at most ${limit} pixels`,
    next: 'shrink the image or raise limitInputPixels',
  });
}
