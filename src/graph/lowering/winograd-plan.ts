// How a convolution is cut into tiles: the algorithm of each axis, and how many matrix products it takes.
import type { Shape } from '../value.js';
import { columnTile } from './layout.js';
import type { ConvGeometry } from '../window-geometry.js';
import { type Axis, type BilinearAxis, bilinearAxis, type TileSize, tileSizes } from './winograd-transforms.js';

/** A convolution in this form: sizes and the algorithm of each axis. */
export interface Plan {
  readonly x: { readonly n: number; readonly c: number; readonly h: number; readonly w: number };
  readonly y: { readonly o: number; readonly h: number; readonly w: number };
  readonly kernel: readonly [number, number];
  readonly rows: BilinearAxis;
  readonly columns: BilinearAxis;
  /** Whether the rows' tiles lie beside the columns': then a pair of points is one product, else one per tile of the rows. */
  readonly joined: boolean;
  /** Whether an axis of the output is cut into whole tiles that lie in memory as its transform takes them. */
  readonly whole: { readonly rows: boolean; readonly columns: boolean };
  /** Names what can be shared: equal for equal geometry and sizes. */
  readonly key: string;
}

/** Whether this form covers a geometry: one group, no dilation, kernels up to 3 with stride 1 or 2. */
export function isBilinear(weights: Shape, { groups, dilation, stride }: ConvGeometry): boolean {
  return (
    groups === 1 &&
    dilation.every((d) => d === 1) &&
    stride.every((s) => s <= 2) &&
    weights.slice(2).every((k) => k <= 3)
  );
}

/**
 * With fewer lines than this in a product, reading its weights costs as much as multiplying by them; then all tiles of the rows go into
 * one product, for the price of moving the half-transformed picture once.
 */
const fewestLines = 96;

function joinsTiles(columns: { readonly tiles: number }, n: number): boolean {
  return columns.tiles * n < fewestLines;
}

/** Rows lie in their order: their tiles are whole where they divide the height, and side by side where each has products of its own. */
const wholeRows = (axis: Axis, { m }: TileSize, joined: boolean): boolean => !joined && axis.out % m === 0;

/** Columns lie in tiles of one size (see `tiled` in layout.ts). */
const wholeColumns = (axis: Axis, { m, tiles }: TileSize): boolean => tiles > 1 && m === columnTile(axis.out);

/** Share of the cost that whole tiles save, for each axis: their way back to the picture is a product many times as small. */
const savedByWholeTiles = 0.1;

/**
 * The pair of tile sizes that costs least in a training step, per pair of channels. Each pair of points takes three matrix products over
 * all tiles of all n pictures, and moves transformed weights and their gradients through memory: as costly, as measured on two
 * cores with AVX-512, as 65 multiplications for each of their passes, two and one for every product.
 */
function cheapest(rows: Axis, columns: Axis, n: number): readonly [TileSize, TileSize] {
  const cost = ([r, c]: readonly [TileSize, TileSize]): number => {
    const joined = joinsTiles(c, n);
    const saved = [wholeRows(rows, r, joined), wholeColumns(columns, c)].filter(Boolean).length * savedByWholeTiles;
    return (1 - saved) * r.points * c.points * (3 * r.tiles * c.tiles * n + 65 * (2 + (joined ? 1 : r.tiles)));
  };
  const pairs = tileSizes(rows).flatMap((r) => tileSizes(columns).map((c) => [r, c] as const));
  return pairs.reduce((best, pair) => (cost(pair) < cost(best) ? pair : best));
}

/** The plan of a convolution of x [n, c, h, w] with weights [o, c, kh, kw] to y [n, o, oh, ow]. */
export function planOf(x: Shape, weights: Shape, y: Shape, { stride, padding }: ConvGeometry): Plan {
  const [n, c, h, w] = x;
  const [o, , kh, kw] = weights;
  const axis = (i: 0 | 1): Axis => ({
    in: x[i + 2],
    out: y[i + 2],
    kernel: weights[i + 2],
    stride: stride[i],
    padding: padding[i],
  });
  const [r, s] = cheapest(axis(0), axis(1), n);
  const [rows, columns] = [bilinearAxis(axis(0), r), bilinearAxis(axis(1), s)];
  const joined = rows.tiles === 1 || joinsTiles(columns, n);
  return {
    x: { n, c, h, w },
    y: { o, h: y[2], w: y[3] },
    kernel: [kh, kw],
    rows,
    columns,
    joined,
    whole: { rows: wholeRows(axis(0), rows, joined), columns: wholeColumns(axis(1), columns) },
    key: [x, weights, y, stride, padding].join('|'),
  };
}

/** Number of rows of B, and of columns of A. */
export const lines = ({ points, tiles }: BilinearAxis): number => points * tiles;

/** How many products there are for a pair of points. */
export const productsPerPair = ({ rows, joined }: Plan): number => (joined ? 1 : rows.tiles);

/**
 * The tiles: [products, points, points, lines, channels]; the lines are tiles of both axes and pictures where joined, else of the columns.
 */
export function tilesShape(plan: Plan, channels: number): number[] {
  const { rows, columns, x } = plan;
  const products = productsPerPair(plan);
  return [products, rows.points, columns.points, (columns.tiles * rows.tiles * x.n) / products, channels];
}
