// Numbers from an integer hash: the same in tools/torch-step-golden.py, so that golden files need not store weights.

/** Element i of sequence `seed`: MurmurHash3's 32-bit finaliser over a Weyl sequence. Unsigned. */
export function hashed(i: number, seed: number): number {
  let h = Math.imul(i + 1, 0x9e3779b9) ^ Math.imul(seed, 0x85ebca6b);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform values over center ± spread. */
export function hashedUniform(count: number, seed: number, center: number, spread: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = center + spread * (hashed(i, seed) / 2 ** 31 - 1);
  return values;
}
