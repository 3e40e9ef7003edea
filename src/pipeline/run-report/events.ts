// TensorBoard's event files: each record is a protobuf Event between its length and two checksums (TensorFlow's TFRecord format).
import { create, toBinary } from '@bufbuild/protobuf';
import { EventSchema } from './event_pb.js';

/** Scalars of one step. */
export interface ScalarStep {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** The bytes of an event file. */
export function eventFile(started: number, steps: readonly ScalarStep[]): Uint8Array {
  const events = [
    create(EventSchema, { wallTime: started, what: { case: 'fileVersion', value: 'brain.Event:2' } }),
    ...steps.map(({ wallTime, step, values }) => {
      const value = Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue }));
      return create(EventSchema, { wallTime, step: BigInt(step), what: { case: 'summary', value: { value } } });
    }),
  ];
  return Buffer.concat(events.map((event) => record(toBinary(EventSchema, event))));
}

/** One record: length, checksum of the length, data, checksum of the data; little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}

/** A checksum made unlike those of data that hold checksums themselves, as TFRecord wants it. */
function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Castagnoli's polynomial, bits reversed. */
const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
  return value >>> 0;
});

/** CRC-32C (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}
