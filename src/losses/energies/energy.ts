// Minimum hyperspherical energy (Liu et al., NeurIPS 2018): how evenly a classifier's rows are spread over the sphere. Lower is more even.
import {
  add,
  affine,
  concat,
  div,
  equal,
  expand,
  gather,
  gradients,
  log,
  matmul,
  mul,
  neg,
  reciprocal,
  relu,
  replaceLabel,
  reshape,
  scale,
  shift,
  slice,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Value,
} from '../../graph/index.js';
import { angleOf } from '../angles.js';
import { rowDots, unitRows, withGradientOf } from '../rows.js';

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

/** Which pairs of rows the mean is over. */
export type EnergyPairs =
  /** Each image's own row against all other rows: Eq. 8 of the SphereFace+ paper, 1/(n (N − 1)) Σ_i Σ_{j≠y_i}. */
  | 'batch-all'
  /** The distinct labels of the batch among themselves. */
  | 'batch'
  /** All rows among themselves, in blocks. */
  | 'all';

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
function oppositeKernel({ s, on }: RieszOptions): number {
  const z = on === 'distance' ? 2 : on === 'angle' ? 1 + 1e-4 : Math.PI;
  return s === 0 ? -Math.log(z) : z ** -s;
}

/**
 * The mean energy of a classifier's rows.
 * @param classifier [N, d], N ≥ 2; rows of any length. @param labels int64 [n], for the pairs that concern a batch.
 * @returns a single number; its gradient with respect to the rows is exact and orthogonal to them.
 */
export function rieszEnergy(classifier: Value, labels: Value, pairs: EnergyPairs, options: RieszOptions): Value {
  const rows = unitRows(classifier);
  switch (pairs) {
    case 'batch-all':
      return meanOverPairs(sumAgainstAll(gather(rows, labels), rows, labels, options), labels.size, rows, options);
    case 'batch':
      return distinctLabelEnergy(gather(rows, labels), labels, options);
    case 'all':
      return allPairsEnergy(rows, options);
    default:
      return pairs satisfies never;
  }
}

/** Σ_i Σ_{j≠own_i} of the kernel, for `some` [n, d] of `rows` [N, d]: with both ŵ_j and −ŵ_j in half space. */
function sumAgainstAll(some: Value, rows: Value, own: Value, options: RieszOptions): Value {
  const c = matmul(some, rows, { transposeB: true });
  // A row with itself would be at distance 0: such entries are set to cosine 0 and what they then add is taken off again.
  const zero = c.graph.constant(new Float32Array(some.shape[0]), [some.shape[0]]);
  const lines = sum(spaceKernel(replaceLabel(c, own, zero), options), { axes: [1] });
  return sum(shift(lines, -kernelAtRightAngle(options)));
}

/** {@link spaceKernel} at cosine 0. */
function kernelAtRightAngle({ s, on, space }: RieszOptions): number {
  const z = on === 'distance' ? Math.sqrt(2 + squaredFloor) : on === 'angle' ? 0.5 + 1e-4 : Math.PI / 2;
  return (s === 0 ? -Math.log(z) : z ** -s) * (space === 'half' ? 2 : 1);
}

/** The kernel, in half space summed over the row and its opposite. */
function spaceKernel(c: Value, options: RieszOptions): Value {
  const near = kernel(c, options);
  return options.space === 'full' ? near : add(near, kernel(neg(c), options));
}

/** From the sum over `lines` rows, each against all others, to the mean over pairs. */
function meanOverPairs(total: Value, lines: number, rows: Value, options: RieszOptions): Value {
  const [count] = rows.shape;
  if (options.space === 'full') return scale(total, 1 / (lines * (count - 1)));
  return scale(shift(total, lines * oppositeKernel(options)), 1 / (lines * (2 * count - 1)));
}

/** Pairs of distinct labels within the batch: a label that occurs k times has weight 1/k in each of its rows. */
function distinctLabelEnergy(rows: Value, labels: Value, options: RieszOptions): Value {
  const { graph } = rows;
  const n = labels.size;
  const same = equal(reshape(labels, [n, 1]), reshape(labels, [1, n]));
  const shares = reciprocal(sum(same, { axes: [1], keepDims: true }));
  const different = sub(graph.scalar(1), same);
  const weights = mul(mul(different, shares), reshape(shares, [1, n]));
  const c = mul(matmul(rows, rows, { transposeB: true }), different);
  const total = sum(mul(spaceKernel(c, options), weights));
  // A batch of one label has no pairs: 0 / tiny = 0.
  if (options.space === 'full') return div(total, shift(sum(weights), 1e-12));
  const distinct = sum(shares);
  const half = add(total, scale(distinct, oppositeKernel(options)));
  return div(half, mul(distinct, affine(distinct, 2, -1)));
}

/** Rows per block; a block holds this many times N cosines. */
const blockRows = 512;

/**
 * All pairs, never as one N × N matrix: each block's share of the energy and of its gradient is finished before the next begins.
 * That gradient, 2 Σ_j f'(c_ij) ŵ_j, enters as a constant direction that the rows are multiplied by.
 */
function allPairsEnergy(rows: Value, options: RieszOptions): Value {
  const { graph } = rows;
  const [count] = rows.shape;
  const fixed = stopGradient(rows);
  const directions: Value[] = [];
  let total: Value = graph.scalar(0);
  for (let start = 0; start < count; start += blockRows) {
    const end = Math.min(start + blockRows, count);
    const own = graph.indices(Array.from({ length: end - start }, (_, i) => start + i));
    const block = stopGradient(slice(fixed, { axes: [0], starts: [start], ends: [end] }));
    const energy = sumAgainstAll(block, fixed, own, options);
    const [direction] = gradients(energy, [block]);
    // Rows appear on both sides of the matrix of pairs, which is symmetric: twice the one-sided gradient.
    directions.push(scale(direction, 2));
    total = add(total, energy);
  }
  const direction = directions.length === 1 ? directions[0] : concat(directions, 0);
  const shadow = sum(rowDots(rows, stopGradient(direction)));
  return meanOverPairs(withGradientOf(total, shadow), count, rows, options);
}

/** The released InterClass layer, free of its data races. */
export interface CaffeEnergyOptions {
  readonly type: 'among' | 'mean';
  /** The layer's weight. */
  readonly alpha: number;
  /** Whether the mean row is divided by its length; the layer's default is yes. */
  readonly normalise: boolean;
}

/** The layer's own guards against division by zero. */
const caffeEpsilon = 1e-5;

/**
 * The released layer's gradient, for parity; at its published weights it is nearly inert. For each image, its own row is pushed away
 * from the mean row m̂: `among` −4α / (M d² + 1e-5) · (ŵ_y − m̂), `mean` α m̂ / M. It acts on the rows as if nothing normalised them.
 * @returns `loss`, whose gradient that is and whose value is the function it descends (2α / (M d), and α (1 − distance) for `mean`),
 *   and `distance`, the layer's output: d = 1/N Σ_i Σ_j ‖ŵ_i − ŵ_{y_j}‖², or 1 − mean_j cos(m̂, ŵ_{y_j}).
 */
export function caffeEnergy(
  classifier: Value,
  labels: Value,
  { type, alpha, normalise }: CaffeEnergyOptions,
): { readonly loss: Value; readonly distance: Value } {
  const { graph } = classifier;
  const [count, size] = classifier.shape;
  const batch = labels.size;
  const rows = stopGradient(unitRows(classifier));
  const mean = scale(sum(rows, { axes: [0], keepDims: true }), 1 / count);
  const meanSquare = sum(square(mean));
  const centre = normalise ? div(mean, sqrt(shift(meanSquare, caffeEpsilon))) : mean;
  const own = gather(rows, labels);
  const trained = gather(classifier, labels);
  switch (type) {
    case 'among': {
      // Σ_i Σ_j ‖ŵ_i − ŵ_j‖² / N = 2 M − 2 Σ_j ŵ_j · mean, for unit rows.
      const distance = affine(sum(mul(own, expand(mean, [batch, size]))), -2, 2 * batch);
      const factor = div(graph.scalar(-4 * alpha), affine(square(distance), batch, caffeEpsilon));
      const pull = mul(sub(own, centre), factor);
      const value = div(graph.scalar((2 * alpha) / batch), distance);
      return { loss: withGradientOf(value, sum(mul(trained, stopGradient(pull)))), distance };
    }
    case 'mean': {
      const towards = scale(sum(mul(own, expand(centre, [batch, size]))), 1 / batch);
      const pull = expand(scale(centre, alpha / batch), [batch, size]);
      const shadow = sum(mul(trained, stopGradient(pull)));
      return { loss: withGradientOf(scale(towards, alpha), shadow), distance: affine(towards, -1, 1) };
    }
    default:
      return type satisfies never;
  }
}
