// BMP: uncompressed, of 1, 4, 8, 16, 24 and 32 bits.
import { assertPixels, damagedImage, unreadKind } from '../decode-error.js';
import type { Picture } from '../source.js';
import { type DecodeOptions, hasText, type PictureDecoder } from './decoder.js';

const fileHeader = 14;
/** The sizes of the headers that are in use: OS/2's, and Windows' from version 3 on. */
const coreHeader = 12;
const headers = [coreHeader, 40, 52, 56, 64, 108, 124];

export const bmpDecoder: PictureDecoder = {
  kind: 'BMP',
  extensions: ['.bmp', '.dib'],
  matches: (head) => hasText(head, 0, 'BM') && headers.includes(head[fileHeader]) && head[fileHeader + 1] === 0,
  decode: async (bytes, options) => decode(bytes, options),
};

/** BI_RGB and BI_BITFIELDS; the others are run lengths, or a JPEG or PNG inside. */
const compression = { none: 0, masks: 3 } as const;

interface Header {
  readonly width: number;
  readonly height: number;
  /** Whether the first row is the lowest one, as usual. */
  readonly bottomUp: boolean;
  readonly bits: number;
  /** Where the rows begin. */
  readonly rows: number;
  /** Where the palette begins, and the bytes of a colour in it. */
  readonly palette: number;
  readonly paletteStep: 3 | 4;
  /** Bits of red, green and blue in a pixel of 16 or 32 bits. */
  readonly masks: readonly number[];
}

function decode(bytes: Uint8Array, { limitInputPixels, strict }: Required<DecodeOptions>): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(bytes, view);
  const { width, height, bottomUp, bits, rows } = header;
  assertPixels(width, height, limitInputPixels);
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const there = Math.min(height, Math.max(0, Math.floor((bytes.length - rows) / rowBytes)));
  if (there === 0 || (strict && there < height)) throw damagedImage('BMP', bytes);
  const data = new Uint8Array(width * height * 3);
  const channels = header.masks.map((mask) => ({ mask, shift: 31 - Math.clz32(mask & -mask) }));
  for (let row = 0; row < there; row++) {
    const from = rows + row * rowBytes;
    let to = (bottomUp ? height - 1 - row : row) * width * 3;
    for (let x = 0; x < width; x++) {
      if (bits <= 8) {
        const perByte = 8 / bits;
        const byte = bytes[from + Math.floor(x / perByte)];
        const index = (byte >> (8 - bits - (x % perByte) * bits)) & (2 ** bits - 1);
        const at = header.palette + index * header.paletteStep;
        // A colour beyond the palette is black.
        for (let c = 0; c < 3; c++) data[to++] = at + 3 <= rows ? bytes[at + 2 - c] : 0;
      } else if (bits === 24) {
        for (let c = 0; c < 3; c++) data[to++] = bytes[from + x * 3 + 2 - c];
      } else {
        const pixel = bits === 16 ? view.getUint16(from + x * 2, true) : view.getUint32(from + x * 4, true);
        for (const { mask, shift } of channels) {
          const most = mask >>> shift;
          data[to++] = most === 0 ? 0 : Math.round((((pixel & mask) >>> shift) * 255) / most);
        }
      }
    }
  }
  const picture = { width, height, data };
  return there === height ? picture : { ...picture, damaged: true };
}

function readHeader(bytes: Uint8Array, view: DataView): Header {
  const size = bytes[fileHeader];
  if (bytes.length < fileHeader + size) throw damagedImage('BMP', bytes);
  const rows = view.getUint32(10, true);
  const core = size === coreHeader;
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = core ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(core ? 24 : 28, true);
  const method = core ? compression.none : view.getUint32(30, true);
  if (width <= 0 || signedHeight === 0 || ![1, 4, 8, 16, 24, 32].includes(bits)) throw damagedImage('BMP', bytes);
  if (method !== compression.none && method !== compression.masks) throw unreadKind('a compressed BMP');
  // The masks follow the oldest Windows header, and are part of the newer ones.
  const stated = method === compression.masks && bits >= 16 && bytes.length >= fileHeader + 52;
  const usual = bits === 16 ? [0x7c00, 0x03e0, 0x001f] : [0xff0000, 0x00ff00, 0x0000ff];
  return {
    width,
    height: Math.abs(signedHeight),
    bottomUp: signedHeight > 0,
    bits,
    rows,
    palette: fileHeader + size,
    paletteStep: core ? 3 : 4,
    masks: stated ? [54, 58, 62].map((at) => view.getUint32(at, true)) : usual,
  };
}
