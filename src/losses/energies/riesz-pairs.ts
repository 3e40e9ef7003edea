// Minimum hyperspherical energy (Liu et al., NeurIPS 2018): how evenly rows are spread over the sphere. Lower is more even.
import {
  add,
  affine,
  concat,
  div,
  equal,
  gather,
  gradients,
  hasLabel,
  matmul,
  mul,
  reciprocal,
  replaceLabel,
  reshape,
  scale,
  shift,
  slice,
  stopGradient,
  sub,
  sum,
  type Value,
} from '../../graph/index.js';
import { rowDots, unitRows, withGradientOf } from '../rows.js';
import { kernelAtRightAngle, oppositeKernel, type RieszOptions, spaceKernel } from './riesz-kernel.js';

/** Which pairs of rows the mean is over. */
export type EnergyPairs =
  /** Each image's own row against all other rows: Eq. 8 of the SphereFace+ paper, 1/(n (N − 1)) Σ_i Σ_{j≠y_i}. */
  | 'batch-all'
  /** The distinct labels of the batch among themselves. */
  | 'batch'
  /** All rows among themselves, in blocks. */
  | 'all';

/**
 * The mean energy of a classifier's rows.
 * @param classifier [N, d], N ≥ 2; rows of any length. @param labels int64 [n], for the pairs that concern a batch.
 * @returns a single number; its gradient with respect to the rows is exact and orthogonal to them.
 */
export function rieszEnergy(classifier: Value, labels: Value, pairs: EnergyPairs, options: RieszOptions): Value {
  const rows = unitRows(classifier);
  switch (pairs) {
    case 'batch-all':
      return meanOverPairs(
        sumAgainstAll(gather(rows, labels), rows, labels, options),
        { lines: labels.size, classes: rows.shape[0] },
        options,
      );
    case 'batch':
      return distinctLabelEnergy(gather(rows, labels), labels, options);
    case 'all':
      return allPairsEnergy(rows, options);
    default:
      return pairs satisfies never;
  }
}

/**
 * Σ_i Σ_{j≠own_i} of the kernel, for `some` [n, d] against `rows` [N, d]: with both ŵ_j and −ŵ_j in half space.
 * @param own int64 [n]: the place of each among the rows, −1 for one that is not there.
 */
function sumAgainstAll(some: Value, rows: Value, own: Value, options: RieszOptions): Value {
  const c = matmul(some, rows, { transposeB: true });
  // A row with itself would be at distance 0: such entries are set to cosine 0 and what they then add is taken off again.
  const zero = c.graph.constant(new Float32Array(some.shape[0]), [some.shape[0]]);
  const lines = sum(spaceKernel(replaceLabel(c, own, zero), options), { axes: [1] });
  return sum(sub(lines, scale(hasLabel(own), kernelAtRightAngle(options))));
}

/** From the sum over `lines` rows, each against all others, to the mean over pairs; or from a `share` of that sum to the share of the mean. */
function meanOverPairs(
  total: Value,
  { lines, classes, share = 1 }: { readonly lines: number; readonly classes: number; readonly share?: number },
  options: RieszOptions,
): Value {
  if (options.space === 'full') return scale(total, 1 / (lines * (classes - 1)));
  return scale(shift(total, share * lines * oppositeKernel(options)), 1 / (lines * (2 * classes - 1)));
}

/** Some rows against some others, of all pairs that a mean energy is over. */
export interface PairShare {
  /** [v, d] and [m, d]: rows of any length. */
  readonly visitors: Value;
  readonly rows: Value;
  /** int64 [v]: the place of each visitor among the rows, −1 for one that is not there. */
  readonly places: Value;
  /** Visitors in all. */
  readonly lines: number;
  /** Rows in all. */
  readonly classes: number;
}

/** What the pairs of a share bring to the mean energy of `lines` rows, each against all `classes` others: the shares add up to it. */
export function rieszShare({ visitors, rows, places, lines, classes }: PairShare, options: RieszOptions): Value {
  const total = sumAgainstAll(unitRows(visitors), unitRows(rows), places, options);
  const share = (visitors.shape[0] / lines) * (rows.shape[0] / classes);
  return meanOverPairs(total, { lines, classes, share }, options);
}

/**
 * Pairs of distinct labels within the batch: a label that occurs k times has weight 1/k in each of its rows.
 * @param rows [n, d], unit rows of the labels.
 */
export function distinctLabelEnergy(rows: Value, labels: Value, options: RieszOptions): Value {
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
  return meanOverPairs(withGradientOf(total, shadow), { lines: count, classes: count }, options);
}
