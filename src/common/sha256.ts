// SHA-256 where the same code runs in browsers: Node's own is not there, and the web's only on pages served over HTTPS. For weights of some
// megabytes; what is read as a file or a stream is hashed by node:crypto, several times as fast.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** The digest of parts, one after the other, in hexadecimal. */
export function sha256Hex(parts: Iterable<Uint8Array>): string {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return bytesToHex(hash.digest());
}
