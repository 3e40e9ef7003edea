// SHA-256 of several parts against node:crypto.
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha256Hex } from './sha256.js';

it("is node:crypto's SHA-256 of the parts, one after the other", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
  const expected = createHash('sha256').update(bytes).digest('hex');
  expect(sha256Hex([bytes.subarray(0, 65), bytes.subarray(65)])).toBe(expected);
  expect(sha256Hex([bytes.subarray(1)])).not.toBe(expected);
});
