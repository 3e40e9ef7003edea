// Lengths and directions of the rows of a matrix, with two ways for the gradient to pass a normalisation.
import { add, div, mul, shift, sqrt, square, stopGradient, sub, sum, type Value } from '../graph/index.js';

/** Added to squared lengths, so that a zero row gives zeros and finite gradients. Far below the rounding of any real row. */
const tiny = 1e-24;

/** The length of each row: [n, d] -> [n, 1]. */
export function rowNorms(x: Value): Value {
  return sqrt(shift(sum(square(x), { axes: [1], keepDims: true }), tiny));
}

/** Each row divided by its length: [n, d] -> [n, d]. The gradient is that of the division: orthogonal to the row. */
export function unitRows(x: Value): Value {
  return div(x, rowNorms(x));
}

/**
 * Each row divided by its length, while the gradient passes as if nothing had been done. What the released layers do, which
 * overwrite the classifier with its unit rows and then differentiate with respect to those.
 */
export function unitRowsStraightThrough(x: Value): Value {
  return add(x, stopGradient(sub(unitRows(x), x)));
}

/** The inner product of equal rows: [n, d], [n, d] -> [n]. */
export function rowDots(a: Value, b: Value): Value {
  return sum(mul(a, b), { axes: [1] });
}

/** A value whose number is `value`'s and whose gradient is `gradientOf`'s. Both have the same shape. */
export function withGradientOf(value: Value, gradientOf: Value): Value {
  return add(stopGradient(value), sub(gradientOf, stopGradient(gradientOf)));
}
