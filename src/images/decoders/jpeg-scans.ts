// A bound on the time that a JPEG takes: each scan of a progressive one goes over the whole picture.
import { ImageDecodeError } from '../decode-error.js';

/** Encoders write about ten; a file of some hundred KB can hold 900 and take half a minute. */
const maxScans = 100;

/** @throws ImageDecodeError for a JPEG of more scans than any encoder writes. */
export function assertJpegScans(bytes: Uint8Array): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let scans = 0;
  // Inside of a scan's data a byte FF is always followed by 00 or a restart marker.
  for (let at = view.indexOf(startOfScan); at >= 0; at = view.indexOf(startOfScan, at + 2)) {
    if (++scans <= maxScans) continue;
    throw new ImageDecodeError('The JPEG has more scans than any encoder writes.', {
      expected: `at most ${maxScans}`,
      next: 'save it again with an image editor',
    });
  }
}

const startOfScan = Buffer.from([0xff, 0xda]);
