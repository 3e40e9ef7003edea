// The few tags of a TIFF that say whether its values are colours of 8 or 16 bits.
import { unreadKind } from '../decode-error.js';

const tag = { bits: 258, compression: 259, photometric: 262, sampleFormat: 339 } as const;
const photometricYCbCr = 6;
/** CIE, ICC and ITU Lab. */
const photometricLab = [8, 9, 10];
/** JPEG inside of a TIFF: its decoder gives RGB. */
const jpegCompression = [6, 7];

/**
 * @throws ImageDecodeError, by name, for values that the image library would take for other ones: floating-point, signed
 *   and 32-bit values, Lab, and YCbCr that is not JPEG-compressed.
 */
export function assertReadableTiff(bytes: Uint8Array): void {
  const tags = firstDirectory(bytes);
  const format = tags.get(tag.sampleFormat) ?? 1;
  if (format === 3) throw unreadKind('a TIFF of floating-point values', advice);
  if (format !== 1 && format !== 4) throw unreadKind('a TIFF of signed or complex values', advice);
  if ((tags.get(tag.bits) ?? 1) > 16) throw unreadKind('a TIFF of more than 16 bits a channel', advice);
  if (photometricLab.includes(tags.get(tag.photometric) ?? 1)) throw unreadKind('a TIFF in Lab', advice);
  const raw = !jpegCompression.includes(tags.get(tag.compression) ?? 1);
  if (tags.get(tag.photometric) === photometricYCbCr && raw) {
    throw unreadKind('a TIFF in YCbCr without JPEG compression', advice);
  }
}

const advice = 'convert it to RGB of 8 bits, or to JPEG or PNG';

/** Where a directory has what: in BigTIFF, of files beyond 4 GB, numbers of entries and offsets have 8 bytes. */
interface Layout {
  readonly start: number;
  /** Bytes of the number of entries, of an entry, and of its value, which lies in the entry's last bytes. */
  readonly count: 2 | 8;
  readonly entry: 12 | 20;
  readonly value: 4 | 8;
}

/** The first value of each short tag of the first directory; what is not there is left out. */
function firstDirectory(bytes: Uint8Array): ReadonlyMap<number, number> {
  const tags = new Map<number, number>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const long = (at: number): number => Number(view.getBigUint64(at, little));
  const layout = layoutOf(view, little);
  if (layout === undefined || layout.start + layout.count > bytes.length) return tags;
  const { start, count, entry: size, value } = layout;
  const entries = count === 8 ? long(start) : view.getUint16(start, little);
  const first = start + count;
  for (let entry = first; entry < first + entries * size && entry + size <= bytes.length; entry += size) {
    const [id, type] = [view.getUint16(entry, little), view.getUint16(entry + 2, little)];
    const values = value === 8 ? long(entry + 4) : view.getUint32(entry + 4, little);
    if (type !== 3 || values === 0) continue;
    const own = entry + size - value;
    const at = values * 2 <= value ? own : value === 8 ? long(own) : view.getUint32(own, little);
    if (at + 2 <= bytes.length) tags.set(id, view.getUint16(at, little));
  }
  return tags;
}

function layoutOf(view: DataView, little: boolean): Layout | undefined {
  if (view.byteLength < 16) return undefined;
  const version = view.getUint16(2, little);
  if (version === 42) return { start: view.getUint32(4, little), count: 2, entry: 12, value: 4 };
  if (version !== 43) return undefined;
  return { start: Number(view.getBigUint64(8, little)), count: 8, entry: 20, value: 8 };
}
