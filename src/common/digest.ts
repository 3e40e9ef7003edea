// Digests of what is in memory, where Node is; code that also runs in browsers has sha256.ts.
import { createHash } from 'node:crypto';

/** The SHA-256 of text (as UTF-8) or bytes, in hexadecimal. */
export function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
