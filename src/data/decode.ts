// Encoded images to pictures: photos of any kind (rotation, CMYK, 16 bits, alpha, animations) and, faster, crops of a known size.
import sharp, { type Metadata, type Sharp } from 'sharp';
import { SphereFaceError, messageOf } from '../common/errors.js';
import type { Picture } from './source.js';

/** How a photo becomes a picture. */
export interface DecodeOptions {
  /** What lies behind transparent pixels. */
  readonly background?: 'black' | 'white';
  /** Largest number of pixels (width × height) that will be decoded; a bound on memory against decompression bombs. */
  readonly limitInputPixels?: number;
}

/** The defaults of {@link DecodeOptions}: black, as the crops are filled, and 2^28 pixels (16,384 × 16,384, 768 MiB). */
export const defaultDecodeOptions: Required<DecodeOptions> = { background: 'black', limitInputPixels: 2 ** 28 };

/** An image that cannot be decoded. The caller counts and lists it; it is never a reason to stop. */
export class ImageDecodeError extends SphereFaceError {}

/**
 * Decodes a photo to RGB, 8 bits. EXIF rotation is applied, an embedded colour profile (CMYK needs one) is converted to
 * sRGB, 16 bits are reduced to 8, grey is replicated, transparency is laid over `background`, and of an animation the
 * first frame is taken.
 * @throws ImageDecodeError for anything that is not a whole image: another format, a truncated file, too many pixels.
 */
export async function decodePhoto(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  const { background, limitInputPixels } = { ...defaultDecodeOptions, ...options };
  try {
    const image = sharp(bytes, { failOn: 'error', limitInputPixels, pages: 1, sequentialRead: true });
    return await toPicture(image.autoOrient().flatten({ background }).toColourspace('srgb'));
  } catch (error) {
    throw explained(error, bytes, limitInputPixels);
  }
}

/** The size a crop must have. */
export interface CropSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes an aligned crop, the fast path of training: no rotation is looked for and the size must be exactly `size`.
 * @throws ImageDecodeError for a file that does not decode or a crop of another size.
 */
export async function decodeCrop(bytes: Uint8Array, size: CropSize): Promise<Picture> {
  let picture: Picture;
  try {
    const limitInputPixels = defaultDecodeOptions.limitInputPixels;
    const image = sharp(bytes, { failOn: 'error', limitInputPixels, sequentialRead: true });
    picture = await toPicture(image.removeAlpha().toColourspace('srgb'));
  } catch (error) {
    throw explained(error, bytes, defaultDecodeOptions.limitInputPixels);
  }
  if (picture.width !== size.width || picture.height !== size.height) {
    throw new ImageDecodeError('The crop has the wrong size.', {
      got: `${picture.width} wide, ${picture.height} high`,
      expected: `${size.width} wide, ${size.height} high`,
      next: 'align the photos first: sphereface prepare PHOTOS -o ALIGNED',
    });
  }
  return picture;
}

/** Size and format from an image's header, without decoding it; `undefined` if it is no image. */
export async function probeImage(bytes: Uint8Array): Promise<Metadata | undefined> {
  return sharp(bytes)
    .metadata()
    .catch(() => undefined);
}

async function toPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { width, height, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) rgb.fill(data[pixel * channels]!, pixel * 3, pixel * 3 + 3);
  return { width, height, data: rgb };
}

/** The decoder's message in words that say what to do about it. */
function explained(error: unknown, bytes: Uint8Array, limit: number): ImageDecodeError {
  const message = messageOf(error).replace(/\s+/g, ' ').trim();
  const size = `${bytes.length} bytes`;
  if (bytes.length === 0) return new ImageDecodeError('The image file is empty.', { cause: error });
  if (/pixel limit/i.test(message)) {
    return new ImageDecodeError('The image is too large to decode.', {
      got: message,
      expected: `at most ${limit} pixels`,
      next: 'shrink the image or raise limitInputPixels',
      cause: error,
    });
  }
  if (/premature end|truncat|end of (file|input)|not enough data|read error/i.test(message)) {
    return new ImageDecodeError('The image file is truncated or damaged.', {
      got: `${size}: ${message}`,
      next: 'copy or download the file again',
      cause: error,
    });
  }
  if (/unsupported image format|contains unsupported/i.test(message)) {
    return new ImageDecodeError('The file is not an image that can be read.', {
      got: `${size} starting ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}`,
      expected: 'JPEG, PNG, WebP, GIF, AVIF or TIFF',
      cause: error,
    });
  }
  return new ImageDecodeError('The image cannot be decoded.', { got: `${size}: ${message}`, cause: error });
}
