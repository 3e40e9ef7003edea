// One axis of a convolution as a bilinear algorithm: few multiplications between transformed input and transformed weights
// (Toom 1963, Cook 1966; for networks: Winograd's minimal filtering, Lavin and Gray, CVPR 2016).
import { SphereFaceError } from '../../common/errors.js';

/** One axis: `in` pixels with zeros around them, a kernel with a stride, `out` results. */
export interface Axis {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  /** Zeros before the first pixel. */
  readonly padding: number;
}

/**
 * Matrices, row by row, with which `y = A · ((G · weights) ⊙ (B · x))`. The axis is cut into `tiles`; each is computed by
 * `points` products, and the points come first: row `p · tiles + t` of B.
 */
export interface BilinearAxis {
  /** Outputs of a tile; the last tile may be cut off. */
  readonly m: number;
  readonly points: number;
  readonly tiles: number;
  /** [points · tiles, in]. */
  readonly b: Float32Array;
  /** [points, kernel]. */
  readonly g: Float32Array;
  /** [out, points · tiles]. */
  readonly a: Float32Array;
  /** What A does in a tile: [m, points]. A is this matrix once per tile, where the last one is whole. */
  readonly tileA: Float32Array;
}

/** Interpolation points in the order they are taken; the last point of each algorithm is infinity. */
const finitePoints = [0, 1, -1, 2, -2, 0.5, -0.5] as const;

/**
 * Largest tile. With 3 taps it takes eight points; measured on random data with 256 channels, float32 results are then off by 6e-6 of
 * their root mean square (tiles of 4: 3e-6). One more point costs a digit (5e-5).
 */
const largestTile = 6;

interface TileAlgorithm {
  /** [n][m + r − 1]: rows for the input. */
  readonly b: readonly (readonly number[])[];
  /** [n][r]: rows for the weights. */
  readonly g: readonly (readonly number[])[];
  /** [m][n]: rows for the output. */
  readonly a: readonly (readonly number[])[];
}

/**
 * F(m, r): m outputs of a stride-1 correlation with r taps by n = m + r − 1 products. With finite points x_p and
 * N_p(x) = Π_{q ≠ p} (x − x_q): B's row p holds N_p's coefficients, G's row is x_p^k / N_p(x_p), A's column x_p^i;
 * the point at infinity has Π (x − x_q), the last tap, and the last output.
 */
function tileAlgorithm(m: number, r: number): TileAlgorithm {
  if (r === 1) {
    const identity = Array.from({ length: m }, (_, i) => Array.from({ length: m }, (_, j) => (i === j ? 1 : 0)));
    return { b: identity, g: identity.map(() => [1]), a: identity };
  }
  const n = m + r - 1;
  const finite: readonly number[] = finitePoints.slice(0, n - 1);
  if (finite.length < n - 1) throw new SphereFaceError(`No bilinear algorithm for tiles of ${m} with ${r} taps.`);
  const product = (points: readonly number[]): number[] =>
    points.reduce<number[]>(
      (coefficients, root) =>
        [...coefficients, 0].map((_, i) => (coefficients[i - 1] ?? 0) - root * (coefficients[i] ?? 0)),
      [1],
    );
  const fill = (row: readonly number[]): number[] => Array.from({ length: n }, (_, i) => row[i] ?? 0);
  const others = finite.map((x) => finite.filter((point) => point !== x));
  const last = (length: number): number[] => Array.from({ length }, (_, i) => (i === length - 1 ? 1 : 0));
  const powers = (x: number, length: number): number[] => Array.from({ length }, (_, k) => x ** k);
  const columns = [...finite.map((x) => powers(x, m)), last(m)];
  const b = [...others.map((rest) => fill(product(rest))), fill(product(finite))];
  const g = [
    ...finite.map((x, p) => {
      const divisor = others[p].reduce((value, q) => value * (x - q), 1);
      return powers(x, r).map((power) => power / divisor);
    }),
    last(r),
  ];
  // A power of two moves between each row of B and its row of G until they are of a size: exact, and kinder to rounding.
  const size = (row: readonly number[]): number => row.reduce((sum, value) => sum + Math.abs(value), 0);
  const balance = b.map((row, p) => 2 ** Math.round(Math.log2(Math.sqrt(size(g[p]) / size(row)))));
  return {
    b: b.map((row, p) => row.map((value) => value * balance[p])),
    g: g.map((row, p) => row.map((value) => value / balance[p])),
    a: Array.from({ length: m }, (_, i) => columns.map((column) => column[i])),
  };
}

/** Size of an algorithm for an axis, before its matrices are made. */
export interface TileSize {
  /** Outputs of a tile. */
  readonly m: number;
  readonly points: number;
  readonly tiles: number;
}

/** All tile sizes an axis can take. */
export function tileSizes(axis: Axis): TileSize[] {
  return Array.from({ length: largestTile }, (_, i) => i + 1)
    .filter((m) => m + tapsOf(axis, 0) - 2 <= finitePoints.length)
    .map((m) => ({ m, points: pointsOf(axis, m), tiles: Math.ceil(axis.out / m) }));
}

/** Taps that fall on pixels `phase`, `phase + stride`, …: a strided convolution is a sum of stride-1 ones over its phases. */
function tapsOf({ kernel, stride }: Axis, phase: number): number {
  return Math.ceil((kernel - phase) / stride);
}

function phasesOf({ kernel, stride }: Axis): number[] {
  return Array.from({ length: Math.min(stride, kernel) }, (_, phase) => phase);
}

function pointsOf(axis: Axis, m: number): number {
  return phasesOf(axis).reduce((total, phase) => total + m + tapsOf(axis, phase) - 1, 0);
}

/** The algorithm of an axis for a tile size. */
export function bilinearAxis(axis: Axis, { m, points, tiles }: TileSize): BilinearAxis {
  const b = new Float32Array(points * tiles * axis.in);
  const g = new Float32Array(points * axis.kernel);
  const a = new Float32Array(axis.out * points * tiles);
  const tileA = new Float32Array(m * points);
  let point = 0;
  for (const phase of phasesOf(axis)) {
    const algorithm = tileAlgorithm(m, tapsOf(axis, phase));
    algorithm.b.forEach((row, p) => {
      for (let i = 0; i < m; i++) tileA[i * points + point + p] = algorithm.a[i][p];
      for (let tile = 0; tile < tiles; tile++) {
        const line = (point + p) * tiles + tile;
        row.forEach((coefficient, j) => {
          const pixel = axis.stride * (tile * m + j) + phase - axis.padding;
          if (pixel >= 0 && pixel < axis.in) b[line * axis.in + pixel] = coefficient;
        });
        for (let i = 0; i < m && tile * m + i < axis.out; i++) {
          a[(tile * m + i) * points * tiles + line] = algorithm.a[i][p];
        }
      }
      algorithm.g[p].forEach(
        (coefficient, k) => (g[(point + p) * axis.kernel + axis.stride * k + phase] = coefficient),
      );
    });
    point += algorithm.b.length;
  }
  return { m, points, tiles, b, g, a, tileA };
}
