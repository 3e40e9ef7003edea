// A sample of a long sequence that is the same at every call.

/** `count` indices of `length` items at even distances, ascending; all of them where there are no more. */
export function evenlySpread(length: number, count: number): number[] {
  const taken = Math.min(length, count);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * length) / taken));
}
