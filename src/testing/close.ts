// Comparing arrays with a stated tolerance.
import { expect } from 'vitest';
import type { NdArray } from './nd-array.js';

/** How far two arrays may lie apart: `absolute + relative · max|expected|` for every element. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** The largest difference of two arrays of one length, relative to the largest value of the first. NaN where either holds it. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(b.length).toBe(a.length);
  let [largest, scale] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(a[i]));
  }
  return largest / scale;
}

/**
 * Fails unless the shapes agree and every element lies within the tolerance. The scale is the largest expected magnitude of the whole array,
 * because float32 sums lose digits relative to their largest terms and not to their result.
 */
export function expectClose(actual: NdArray, expected: NdArray, tolerance: Tolerance, title: string): void {
  expect(actual.shape, `${title}: shape`).toEqual([...expected.shape]);
  const scale = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const limit = tolerance.absolute + tolerance.relative * scale;
  for (let i = 0; i < expected.data.length; i++) {
    const error = Math.abs(actual.data[i] - expected.data[i]);
    // A comparison with NaN is false: NaN anywhere counts as a failure.
    if (!(error <= limit)) {
      expect.fail(
        `${title}: element ${i} of [${expected.shape.join(', ')}] is ${actual.data[i]}, expected ${expected.data[i]} within ${limit.toExponential(2)}`,
      );
    }
  }
}
