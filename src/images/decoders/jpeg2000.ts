// JPEG 2000: OpenJPEG as WebAssembly, loaded when the first one is met.
import type { OpenJpeg } from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import { assertPixels, damagedImage, unreadKind } from '../decode-error.js';
import type { Picture } from '../source.js';
import { hasText, type PictureDecoder } from './decoder.js';
import { openImageModule } from './wasm.js';

export const jpeg2000Decoder: PictureDecoder = {
  kind: 'JPEG 2000',
  extensions: ['.jp2', '.j2k'],
  matches: (head) => hasText(head, 0, '\0\0\0\x0cjP  \r\n\x87\n') || hasText(head, 0, '\xff\x4f\xff\x51'),
  decode: async (bytes, { limitInputPixels }) =>
    load.use(damagedImage('JPEG 2000', bytes), (openJpeg) => decode(openJpeg, bytes, limitInputPixels)),
};

const load = openImageModule<OpenJpeg>(async () => {
  const { default: create } = await import('@cornerstonejs/codec-openjpeg/decodewasmjs');
  const silent = (): void => undefined;
  return create({ print: silent, printErr: silent });
});

/** OPJ_CLRSPC_SYCC and those that follow: luminance and differences of colour, CMYK. */
const firstOtherColourSpace = 3;

function decode({ J2KDecoder }: OpenJpeg, bytes: Uint8Array, limit: number): Picture {
  assertReadable(bytes, limit);
  const decoder = new J2KDecoder();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, componentCount, bitsPerSample, isSigned } = decoder.getFrameInfo();
    const wide = bitsPerSample > 8;
    const samples = decoder.getDecodedBuffer();
    if (width * height === 0 || samples.length !== width * height * componentCount * (wide ? 2 : 1)) {
      throw damagedImage('JPEG 2000', bytes);
    }
    if (isSigned || bitsPerSample > 16 || decoder.getColorSpace() >= firstOtherColourSpace) {
      throw unreadKind('a JPEG 2000 of other values than RGB or grey');
    }
    const colours = componentCount >= 3 ? 3 : 1;
    const view = new DataView(samples.buffer, samples.byteOffset, samples.byteLength);
    const data = new Uint8Array(width * height * 3);
    const most = 2 ** bitsPerSample - 1;
    for (let at = 0; at < data.length; at++) {
      const from = Math.floor(at / 3) * componentCount + (colours === 3 ? at % 3 : 0);
      data[at] = Math.round(((wide ? view.getUint16(from * 2, true) : samples[from]) * 255) / most);
    }
    return { width, height, data };
  } finally {
    decoder.delete();
  }
}

/** The size, and the number of values of a pixel, stand in the marker segment SIZ, with which the codestream begins. */
function assertReadable(bytes: Uint8Array, limit: number): void {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(Buffer.from('ff4fff51', 'hex'));
  if (start < 0 || start + 24 > bytes.length) throw damagedImage('JPEG 2000', bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const [right, bottom, left, top] = [8, 12, 16, 20].map((at) => view.getUint32(at));
  assertPixels(right - left, bottom - top, limit);
  const components = start + 42 <= bytes.length ? view.getUint16(40) : 3;
  // The decoder fails on all others, and would leave them looking damaged.
  if (components !== 1 && components !== 3)
    throw unreadKind(
      components % 2 === 0
        ? 'a JPEG 2000 with transparency, or in CMYK'
        : 'a JPEG 2000 of other values than RGB or grey',
    );
}
