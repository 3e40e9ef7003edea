// The Riesz kernel of a pair of rows: how much energy two directions on the sphere have, by their cosine.
import { add, affine, log, neg, reciprocal, relu, scale, shift, sqrt, square, type Value } from '../../graph/index.js';
import { angleOf } from '../angles.js';

/** The kernel of the energy and the space it is taken in. */
export interface RieszOptions {
  /** f_s(z) = z^−s, and −log z for s = 0. */
  readonly s: 0 | 1 | 2;
  /**
   * z: `distance` ‖ŵ_i − ŵ_j‖; `angle` θ/π + 1e-4, as in the authors' code; `radians` θ, as in OpenSphere.
   * Distances never count as less than 1e-3, angles as less than 0.26°, so that equal rows give a finite energy and gradient.
   */
  readonly on: 'distance' | 'angle' | 'radians';
  /** `half`: every row stands for the line through it, ŵ and −ŵ; the constant pair (ŵ, −ŵ) is counted, as in the authors' code. */
  readonly space: 'full' | 'half';
}

/** Added to squared distances: a distance of at least 1e-3. Larger than the rounding error of 2 − 2c, far below real distances. */
const squaredFloor = 1e-6;

/** f_s of the pair of rows with cosine c, elementwise. */
function kernel(c: Value, { s, on }: RieszOptions): Value {
  // Distances enter as their squares, which saves a root for s = 0 and 2.
  const squared = on === 'distance' ? shift(relu(affine(c, -2, 2)), squaredFloor) : undefined;
  const z = () => (on === 'angle' ? affine(angleOf(c), 1 / Math.PI, 1e-4) : angleOf(c));
  switch (s) {
    case 0:
      return squared === undefined ? neg(log(z())) : scale(log(squared), -0.5);
    case 1:
      return reciprocal(squared === undefined ? z() : sqrt(squared));
    case 2:
      return reciprocal(squared ?? square(z()));
    default:
      return s satisfies never;
  }
}

/** f_s of two opposite rows, exactly: their distance is 2 and their angle π, whatever the rows. */
export function oppositeKernel({ s, on }: RieszOptions): number {
  const z = on === 'distance' ? 2 : on === 'angle' ? 1 + 1e-4 : Math.PI;
  return s === 0 ? -Math.log(z) : z ** -s;
}

/** {@link spaceKernel} at cosine 0. */
export function kernelAtRightAngle({ s, on, space }: RieszOptions): number {
  const z = on === 'distance' ? Math.sqrt(2 + squaredFloor) : on === 'angle' ? 0.5 + 1e-4 : Math.PI / 2;
  return (s === 0 ? -Math.log(z) : z ** -s) * (space === 'half' ? 2 : 1);
}

/** The kernel, in half space summed over the row and its opposite. */
export function spaceKernel(c: Value, options: RieszOptions): Value {
  const near = kernel(c, options);
  return options.space === 'full' ? near : add(near, kernel(neg(c), options));
}
