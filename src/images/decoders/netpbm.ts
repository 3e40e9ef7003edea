// PBM, PGM and PPM, text or binary: the formats of FERET, ORL and other collections of faces.
import { assertPixels, damagedImage } from '../decode-error.js';
import type { Picture } from '../source.js';
import type { DecodeOptions, PictureDecoder } from './decoder.js';

export const netpbmDecoder: PictureDecoder = {
  kind: 'PPM or PGM',
  extensions: ['.ppm', '.pgm', '.pbm', '.pnm'],
  matches: (head) => head[0] === 0x50 && head[1] >= 0x31 && head[1] <= 0x36 && isSpaceOrComment(head[2]),
  decode: async (bytes, options) => decode(bytes, options),
};

function isSpaceOrComment(byte: number | undefined): boolean {
  return byte === 0x23 || isSpace(byte);
}

function isSpace(byte: number | undefined): boolean {
  return byte !== undefined && (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/** P1 … P3 are text, P4 … P6 binary; of each, the first is black and white, the second grey, the third colour. */
function decode(bytes: Uint8Array, { limitInputPixels, strict }: Required<DecodeOptions>): Picture {
  const form = bytes[1] - 0x30;
  const text = form <= 3;
  const bitmap = form % 3 === 1;
  const channels = form % 3 === 0 ? 3 : 1;
  const numbers = new Numbers(bytes);
  const [width, height, maximum] = [numbers.next(), numbers.next(), bitmap ? 1 : numbers.next()];
  if (!(width > 0 && height > 0 && maximum > 0 && maximum < 65536)) throw damagedImage('PPM or PGM', bytes);
  assertPixels(width, height, limitInputPixels);

  const perRow = width * channels;
  const start = numbers.position + 1;
  /** Sample `at` of the picture; NaN beyond the end of the file. */
  const sample = (at: number): number => {
    if (text) return numbers.next(bitmap);
    if (bitmap) {
      const x = at % width;
      const byte = bytes[start + Math.floor(at / width) * Math.ceil(width / 8) + (x >> 3)] ?? NaN;
      return Number.isNaN(byte) ? NaN : (byte >> (7 - (x & 7))) & 1;
    }
    if (maximum < 256) return bytes[start + at] ?? NaN;
    return (bytes[start + 2 * at] ?? NaN) * 256 + (bytes[start + 2 * at + 1] ?? NaN);
  };

  const data = new Uint8Array(width * height * 3);
  let read = 0;
  for (; read < perRow * height; read++) {
    const value = sample(read);
    if (Number.isNaN(value)) break;
    // In a bitmap 1 is black.
    const level = bitmap ? 255 * (1 - value) : Math.min(255, Math.round((value * 255) / maximum));
    if (channels === 3) data[read] = level;
    else data.fill(level, read * 3, read * 3 + 3);
  }
  if (read === perRow * height) return { width, height, data };
  if (strict || read < perRow) throw damagedImage('PPM or PGM', bytes);
  return { width, height, data, damaged: true };
}

/** The numbers of the header and of a text form, comments skipped. */
class Numbers {
  /** Where the last number ended. */
  position = 2;

  constructor(private readonly bytes: Uint8Array) {}

  /** The next number; NaN at the end or at something else. @param digit one digit, as the bits of P1 need no blanks. */
  next(digit = false): number {
    this.skip();
    let value = NaN;
    for (; this.position < this.bytes.length; this.position++) {
      const digitValue = this.bytes[this.position] - 0x30;
      if (digitValue < 0 || digitValue > 9) break;
      value = (Number.isNaN(value) ? 0 : value * 10) + digitValue;
      if (digit) {
        this.position++;
        break;
      }
    }
    return value;
  }

  private skip(): void {
    for (let comment = false; this.position < this.bytes.length; this.position++) {
      const byte = this.bytes[this.position];
      if (comment) comment = byte !== 0x0a;
      else if (byte === 0x23) comment = true;
      else if (!isSpace(byte)) return;
    }
  }
}
