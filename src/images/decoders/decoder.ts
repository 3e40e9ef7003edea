// What a kind of image is to the system: how it begins, and how it becomes a picture. A file each; `index.ts` lists them.
import type { Picture } from '../source.js';

/** How a photo becomes a picture. */
export interface DecodeOptions {
  /** What lies behind transparent pixels. */
  readonly background?: 'black' | 'white';
  /** Largest number of pixels (width × height) that will be decoded; a bound on memory against decompression bombs. */
  readonly limitInputPixels?: number;
  /** Refuses damaged images; otherwise what is there of them is decoded, and the picture says so. */
  readonly strict?: boolean;
}

/** The defaults of {@link DecodeOptions}: black, as the crops are filled, and 2^28 pixels (16,384 × 16,384, 768 MiB). */
export const defaultDecodeOptions: Required<DecodeOptions> = {
  background: 'black',
  limitInputPixels: 2 ** 28,
  strict: false,
};

/** A kind of image that is read. */
export interface PictureDecoder {
  /** `JPEG`, for help and errors. */
  readonly kind: string;
  /** Usual extensions, lower case: a file of such a name is taken for an image without a look at it. */
  readonly extensions: readonly string[];
  /** Whether a file that begins so is of this kind. */
  matches(head: Uint8Array): boolean;
  /**
   * Decodes to RGB, 8 bits, upright as the file says.
   * @throws ImageDecodeError for anything that is not a whole image of at most `limitInputPixels`.
   */
  decode(bytes: Uint8Array, options: Required<DecodeOptions>): Promise<Picture>;
  /**
   * A faster way for aligned crops, where there is one: no rotation is looked for, and a damaged one is refused.
   * @throws ImageDecodeError as `decode` does
   */
  decodeCrop?(bytes: Uint8Array, limitInputPixels: number): Promise<Picture>;
}

/** Whether `text`, in Latin-1, stands at `offset`. */
export function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** The brands of an ISO base media file (HEIC, AVIF, MP4, …): the major one first; none for other files. */
export function mediaBrands(head: Uint8Array): string[] {
  if (!hasText(head, 4, 'ftyp')) return [];
  const length = Math.min(new DataView(head.buffer, head.byteOffset).getUint32(0), head.length);
  const brands = [latin1(head, 8)];
  for (let at = 16; at + 4 <= length; at += 4) brands.push(latin1(head, at));
  return brands;
}

function latin1(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
