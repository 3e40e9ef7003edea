// Photos decoded by the browser: its formats, its colour management, turned as their EXIF says.
import { ImageDecodeError, maxImageBytes, type Picture } from '../images/browser.js';
import { type Pixels, toPicture } from '../pipeline/browser.js';
import { messageOf } from '../common/browser.js';

/** A photo: a file or other Blob of an image, its encoded bytes, or pixels such as a canvas's `ImageData`. */
export type PhotoSource = Blob | Uint8Array | Pixels;

/** The most pixels that are decoded by default: a bound on memory, which browsers give less of than Node. */
export const defaultMaxPixels = 5e7;

/** The parts of the browser that decode. */
interface Decoding {
  createImageBitmap(image: Blob, options: { imageOrientation: 'from-image' }): Promise<Bitmap>;
  readonly OffscreenCanvas: new (width: number, height: number) => Canvas;
}

interface Bitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}

interface Canvas {
  getContext(kind: '2d', settings: { willReadFrequently: boolean }): Context | null;
}

interface Context {
  fillRect(x: number, y: number, width: number, height: number): void;
  drawImage(image: Bitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): Pixels;
}

/**
 * Decodes a photo to RGB, in a page or a worker. Transparency is laid over black, of an animation the first frame is taken.
 * @param name names the photo in errors.
 * @throws ImageDecodeError for what the browser cannot decode, and for too many pixels.
 */
export async function decodePicture(
  photo: PhotoSource,
  { name = nameOf(photo), maxPixels = defaultMaxPixels }: { readonly name?: string; readonly maxPixels?: number } = {},
): Promise<Picture> {
  if (!(photo instanceof Blob) && !(photo instanceof Uint8Array)) return toPicture(photo);
  const blob = photo instanceof Blob ? photo : new Blob([Uint8Array.from(photo)]);
  if (blob.size > maxImageBytes) {
    throw new ImageDecodeError(`${name} is too large for a photo.`, {
      got: `${blob.size} bytes`,
      expected: `at most ${maxImageBytes}`,
    });
  }
  const { createImageBitmap, OffscreenCanvas } = globalThis as unknown as Decoding;
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' }).catch((cause: unknown) => {
    throw new ImageDecodeError(`${name} cannot be decoded by this browser.`, {
      got: messageOf(cause),
      expected: 'an image of a format that the browser shows, as JPEG, PNG and WebP',
      next: 'convert it to JPEG or PNG',
      cause,
    });
  });
  try {
    const { width, height } = bitmap;
    if (width * height > maxPixels) {
      throw new ImageDecodeError(`${name} is too large to decode.`, {
        got: `${width} x ${height} pixels`,
        expected: `at most ${maxPixels} pixels`,
        next: 'shrink it or raise `maxPixels`',
      });
    }
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null) throw new ImageDecodeError(`${name}: the browser gives no canvas of its size.`);
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return toPicture(context.getImageData(0, 0, width, height));
  } finally {
    bitmap.close();
  }
}

/** A photo's file name, if it has one. */
export function nameOf(photo: PhotoSource): string {
  const { name } = photo as { readonly name?: unknown };
  return typeof name === 'string' && name !== '' ? name : 'the photo';
}
