// Encoded images to pictures: photos of any kind (rotation, CMYK, 16 bits, alpha, animations) and, faster, crops of a known size.
import { decoderOf, describeKinds } from './decoders/index.js';
import { type DecodeOptions, defaultDecodeOptions, type PictureDecoder } from './decoders/decoder.js';
import { ImageDecodeError, unreadKind } from './decode-error.js';
import { fileKind } from './file-kinds.js';
import type { Picture } from './source.js';

/**
 * Decodes a photo to RGB, 8 bits. The kind is told by the content. EXIF rotation is applied, an embedded colour profile
 * (CMYK needs one) is converted to sRGB, 16 bits are reduced to 8, grey is replicated, transparency is laid over
 * `background`, and of an animation the first frame is taken. A truncated or damaged photo gives what is there of it,
 * and the picture is marked, unless `strict` is set.
 * @throws ImageDecodeError for anything that is no image of a kind that is read, by name where it is known, for an image
 *   of which nothing is there, and for too many pixels.
 */
export async function decodePhoto(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  return readable(bytes).decode(bytes, { ...defaultDecodeOptions, ...options });
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
 * What becomes of a published crop, 112×96, where 112×112 is wanted. `exact`: it is refused. `pad`: it gets 8 columns on either side, each a
 * repetition of the outermost; landmarks then lie as in a wide crop, and what a wide crop shows there is missing.
 */
export type CropFit = 'exact' | 'pad';

/** Makes a crop of exactly this size of what a source gives for an image. @throws ImageDecodeError for what cannot be used. */
export type CropDecoder = (bytes: Uint8Array, size: CropSize, fit?: CropFit) => Promise<Picture>;

/**
 * Decodes an aligned crop, the fast path of training: no rotation is looked for and the size must be exactly `size`.
 * Exceptions: a 112×112 crop is cut to 112×96 by leaving out 8 columns on either side, because the two templates
 * differ by just this shift; and the other way round if `fit` says so.
 * @throws CropSizeError for a crop of another size, ImageDecodeError for a file that does not decode as a whole.
 */
export async function decodeCrop(bytes: Uint8Array, size: CropSize, fit: CropFit = 'exact'): Promise<Picture> {
  const decoder = readable(bytes);
  const picture = await (decoder.decodeCrop?.(bytes, defaultDecodeOptions.limitInputPixels) ??
    decoder.decode(bytes, { ...defaultDecodeOptions, strict: true }));
  if (sameSize(picture, size)) return picture;
  if (sameSize(picture, wideCrop) && sameSize(size, publishedCrop)) return cutSides(picture, size.width);
  const narrow = sameSize(picture, publishedCrop) && sameSize(size, wideCrop);
  if (narrow && fit === 'pad') return padSides(picture, size.width);
  throw new CropSizeError('The crop has the wrong size.', {
    got: `${picture.width} wide, ${picture.height} high`,
    expected: `${size.width} wide, ${size.height} high`,
    next: narrow
      ? 'align the photos to this size (sphereface prepare PHOTOS --size 112x112 -o ALIGNED), or train with --set data.fit=pad'
      : `align the photos to this size: sphereface prepare PHOTOS --size ${size.height}x${size.width} -o ALIGNED`,
  });
}

/** The decoder of an image, or the error that says what the file is instead. */
function readable(bytes: Uint8Array): PictureDecoder {
  const decoder = decoderOf(bytes);
  if (decoder !== undefined) return decoder;
  if (bytes.length === 0) throw new ImageDecodeError('The image file is empty.');
  const kind = fileKind(bytes);
  if (kind !== undefined) throw unreadKind(`${kind.article} ${kind.singular}`, kind.advice);
  throw new ImageDecodeError('The file is not an image that can be read.', {
    got: `${bytes.length} bytes starting ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}`,
    expected: describeKinds(),
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

/** The outermost columns repeated up to `width`. */
function padSides({ width: from, height, data }: Picture, width: number): Picture {
  const left = (width - from) / 2;
  const padded = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const source = (y * from + Math.min(Math.max(x - left, 0), from - 1)) * 3;
      padded.set(data.subarray(source, source + 3), (y * width + x) * 3);
    }
  }
  return { width, height, data: padded };
}
