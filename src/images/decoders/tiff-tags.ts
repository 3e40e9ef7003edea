// The few tags of a TIFF that say whether its values are colours of 8 or 16 bits.
import { unreadKind } from '../decode-error.js';

const tag = { bits: 258, compression: 259, photometric: 262, sampleFormat: 339 } as const;
const photometricYCbCr = 6;
/** JPEG inside of a TIFF: its decoder gives RGB. */
const jpegCompression = [6, 7];

/**
 * @throws ImageDecodeError, by name, for values that the image library would take for other ones: floating-point, signed
 *   and 32-bit values, and YCbCr that is not JPEG-compressed.
 */
export function assertReadableTiff(bytes: Uint8Array): void {
  const tags = firstDirectory(bytes);
  const format = tags.get(tag.sampleFormat) ?? 1;
  if (format === 3) throw unreadKind('a TIFF of floating-point values', advice);
  if (format !== 1 && format !== 4) throw unreadKind('a TIFF of signed or complex values', advice);
  if ((tags.get(tag.bits) ?? 1) > 16) throw unreadKind('a TIFF of more than 16 bits a channel', advice);
  const raw = !jpegCompression.includes(tags.get(tag.compression) ?? 1);
  if (tags.get(tag.photometric) === photometricYCbCr && raw) {
    throw unreadKind('a TIFF in YCbCr without JPEG compression', advice);
  }
}

const advice = 'convert it to RGB of 8 bits, or to JPEG or PNG';

/** The first value of each short tag of the first directory; what is not there is left out. */
function firstDirectory(bytes: Uint8Array): ReadonlyMap<number, number> {
  const tags = new Map<number, number>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  // BigTIFF, of files beyond 4 GB, has another layout.
  if (bytes.length < 8 || view.getUint16(2, little) !== 42) return tags;
  const start = view.getUint32(4, little);
  if (start + 2 > bytes.length) return tags;
  const count = view.getUint16(start, little);
  for (let entry = start + 2; entry < start + 2 + count * 12 && entry + 12 <= bytes.length; entry += 12) {
    const [id, type, values] = [
      view.getUint16(entry, little),
      view.getUint16(entry + 2, little),
      view.getUint32(entry + 4, little),
    ];
    if (type !== 3 || values === 0) continue;
    const at = values <= 2 ? entry + 8 : view.getUint32(entry + 8, little);
    if (at + 2 <= bytes.length) tags.set(id, view.getUint16(at, little));
  }
  return tags;
}
