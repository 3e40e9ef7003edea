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

/** The crop of later systems (InsightFace, OpenSphere): the published template with every x moved by 8 pixels. */
const wideCrop: CropSize = { width: 112, height: 112 };
/** The published crop. */
const publishedCrop: CropSize = { width: 96, height: 112 };

/** A crop of another size than the one that was asked for: the whole set was aligned for something else. */
export class CropSizeError extends ImageDecodeError {}

/**
 * Decodes an aligned crop, the fast path of training: no rotation is looked for and the size must be exactly `size`.
 * One exception: a 112×112 crop is cut to 112×96 by leaving out 8 columns on either side, because the two templates
 * differ by just this shift.
 * @throws CropSizeError for a crop of another size, ImageDecodeError for a file that does not decode.
 */
export async function decodeCrop(bytes: Uint8Array, size: CropSize): Promise<Picture> {
  const { limitInputPixels } = defaultDecodeOptions;
  let picture: Picture;
  try {
    const image = sharp(bytes, { failOn: 'error', limitInputPixels, sequentialRead: true });
    picture = await toPicture(image.removeAlpha().toColourspace('srgb'));
  } catch (error) {
    throw explained(error, bytes, limitInputPixels);
  }
  if (sameSize(picture, size)) return picture;
  if (sameSize(picture, wideCrop) && sameSize(size, publishedCrop)) return cutSides(picture, size.width);
  throw new CropSizeError('The crop has the wrong size.', {
    got: `${picture.width} wide, ${picture.height} high`,
    expected: `${size.width} wide, ${size.height} high`,
    next: 'align the photos first: sphereface prepare PHOTOS -o ALIGNED',
  });
}

function sameSize(a: CropSize, b: CropSize): boolean {
  return a.width === b.width && a.height === b.height;
}

/** The middle `width` columns. */
function cutSides({ width: from, height, data }: Picture, width: number): Picture {
  const left = (from - width) / 2;
  const cut = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = (y * from + left) * 3;
    cut.set(data.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, data: cut };
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
