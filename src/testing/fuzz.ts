// How long tests with random damage run, and the damage.
import fc from 'fast-check';

/**
 * The number of runs of a test with random input: a short one in `npm test`; as many as `SPHEREFACE_FUZZ` says in a long
 * one, for instance `SPHEREFACE_FUZZ=100000 npx vitest run src/images`.
 */
export function fuzzRuns(short: number): number {
  const asked = Number(process.env.SPHEREFACE_FUZZ);
  return Number.isInteger(asked) && asked > 0 ? asked : short;
}

/** Milliseconds that a test of so many runs may take. */
export function fuzzTimeout(short: number): number {
  return 120_000 + fuzzRuns(short) * 100;
}

/** Damaged copies of a file: some bytes changed, and in one of three its end missing. */
export function damaged(whole: Uint8Array): fc.Arbitrary<Buffer> {
  const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  return fc.tuple(edits, fc.nat(whole.length), fc.nat(2)).map(([changes, length, cut]) => {
    const bytes = Buffer.from(whole);
    for (const [position, value] of changes) bytes[position] = value;
    return cut === 0 ? bytes.subarray(0, length) : bytes;
  });
}
