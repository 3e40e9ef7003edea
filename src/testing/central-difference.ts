// Derivatives by central differences in float64: the reference of every gradient rule.
import { map, type NdArray } from './nd-array.js';

/**
 * Step of the difference. In float64 the truncation error is about h² f''' / 6 = 2e-9 and the rounding error 1e-16 / h = 1e-12,
 * both far below the float32 rounding of what is checked.
 */
const step = 1e-4;

/** The gradient of a scalar function of several arrays with respect to the array at `position`. */
export function centralDifference(
  f: (inputs: readonly NdArray[]) => number,
  inputs: readonly NdArray[],
  position: number,
): NdArray {
  const moved = inputs.map((x) => map(x, (value) => value));
  const x = inputs[position];
  const { data } = moved[position];
  const gradient = map(x, () => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = x.data[i] + step;
    const above = f(moved);
    data[i] = x.data[i] - step;
    const below = f(moved);
    data[i] = x.data[i];
    gradient.data[i] = (above - below) / (2 * step);
  }
  return gradient;
}

/** `Σ a · b`. */
export function dot(a: NdArray, b: NdArray): number {
  return a.data.reduce((total, value, i) => total + value * b.data[i], 0);
}
