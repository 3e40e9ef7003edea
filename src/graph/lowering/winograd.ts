// Convolution as five matrix products, without moving a single pixel otherwise: the picture is laid out [h, w, n, c], so that
// transforming an axis is a product from the left, and the transformed tiles meet the transformed weights as matrices [pixels, c] · [c, o].
// Its two gradients are the same products transposed, and share the transformed input, weights and output gradient.
import type { ConvGeometry } from '../window-geometry.js';
import type { Emitter, Shape, Value } from '../value.js';
import { type Axis, type BilinearAxis, bilinearAxis, type TileSize, tileSizes } from './winograd-transforms.js';

/** A convolution in this form: sizes and the algorithm of each axis. */
interface Plan {
  readonly x: { readonly n: number; readonly c: number; readonly h: number; readonly w: number };
  readonly y: { readonly o: number; readonly h: number; readonly w: number };
  readonly kernel: readonly [number, number];
  readonly rows: BilinearAxis;
  readonly columns: BilinearAxis;
  /** Whether the rows' tiles lie beside the columns': then a pair of points is one product, else one per tile of the rows. */
  readonly joined: boolean;
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

/**
 * The pair of tile sizes that costs least in a training step, per pair of channels. Each pair of points takes three matrix products over
 * all tiles of all n pictures, and moves transformed weights and their gradients through memory: as costly, as measured on two
 * cores with AVX-512, as 65 multiplications for each of their passes, two and one for every product.
 */
function cheapest(rows: Axis, columns: Axis, n: number): readonly [TileSize, TileSize] {
  const cost = ([r, c]: readonly [TileSize, TileSize]): number =>
    r.points * c.points * (3 * r.tiles * c.tiles * n + 65 * (2 + (joinsTiles(c, n) ? 1 : r.tiles)));
  const pairs = tileSizes(rows).flatMap((r) => tileSizes(columns).map((c) => [r, c] as const));
  return pairs.reduce((best, pair) => (cost(pair) < cost(best) ? pair : best));
}

function planOf(x: Shape, weights: Shape, y: Shape, { stride, padding }: ConvGeometry): Plan {
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
  return {
    x: { n, c, h, w },
    y: { o, h: y[2], w: y[3] },
    kernel: [kh, kw],
    rows,
    columns,
    joined: rows.tiles === 1 || joinsTiles(columns, n),
    key: [x, weights, y, stride, padding].join('|'),
  };
}

/** A small constant matrix [rows, columns], stored once per content. */
function matrix(emitter: Emitter, data: Float32Array, rows: number, columns: number): string {
  return emitter.once(`matrix:${rows}x${columns}:${data.join()}`, () =>
    emitter.initializer({ data, dtype: 'float32', shape: [rows, columns] }, emitter.fresh('matrix')),
  );
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}

/**
 * Which way a product goes. The runtime lets a tensor take the memory of an earlier one of the same shape, and holds that memory from
 * the first to the last of them: what the forward pass needs for a moment would be held until the backward pass, more than everything that is
 * kept on purpose. On the backward pass each tensor has an axis of one in front, so that their shapes differ.
 */
type Way = 'forward' | 'back';

const shapeOn = (way: Way, shape: readonly number[]): readonly number[] => (way === 'back' ? [1, ...shape] : shape);

/** `left · x`, with x first given a shape [k, rest] or [batch, k, rest]. */
function product(emitter: Emitter, left: string, x: string, shape: readonly number[], way: Way): string {
  return emitter.node('MatMul', [left, emitter.node('Reshape', [x, emitter.ints(shapeOn(way, shape))])]);
}

/** A matrix with the number of its rows. */
interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
}

/** Applies a matrix along the rows, then one along the columns: [h, w, rest] to [h', w', rest]. */
function alongBoth(
  emitter: Emitter,
  x: string,
  [h, w, rest]: readonly [number, number, number],
  left: Matrix,
  right: Matrix,
  way: Way,
): string {
  const vertical = matrix(emitter, left.data, left.rows, h);
  const horizontal = matrix(emitter, right.data, right.rows, w);
  return product(emitter, horizontal, product(emitter, vertical, x, [h, w * rest], way), [left.rows, w, rest], way);
}

const lines = ({ points, tiles }: BilinearAxis): number => points * tiles;

/** How many products there are for a pair of points. */
const productsPerPair = ({ rows, joined }: Plan): number => (joined ? 1 : rows.tiles);

/** The tiles: [points, products, points, lines, channels]; the lines are tiles of both axes and pictures where joined, else of the columns. */
function tilesShape(plan: Plan, channels: number): number[] {
  const { rows, columns, x } = plan;
  const products = productsPerPair(plan);
  return [rows.points, products, columns.points, (columns.tiles * rows.tiles * x.n) / products, channels];
}

/** [a, b, c, rest] as [a, c, b, rest]. */
function swapped(emitter: Emitter, x: string, shape: readonly [number, number, number, number], way: Way): string {
  const shaped = emitter.node('Reshape', [x, emitter.ints(shapeOn(way, shape))]);
  const perm = way === 'back' ? [0, 1, 3, 2, 4] : [0, 2, 1, 3];
  return emitter.node('Transpose', [shaped], { attributes: { perm } });
}

/** A picture, and the matrices between its rows and columns and the lines of the tiles. */
interface Transform {
  readonly h: number;
  readonly w: number;
  readonly channels: number;
  readonly vertical: Float32Array;
  readonly horizontal: Float32Array;
}

/** Carries x [h, w, n, channels] to the tiles by a matrix for each axis. */
function toTiles(
  emitter: Emitter,
  x: string,
  plan: Plan,
  { h, w, channels, vertical, horizontal }: Transform,
  way: Way,
): string {
  const { rows, columns, joined } = plan;
  const rest = plan.x.n * channels;
  const [left, right] = [matrix(emitter, vertical, lines(rows), h), matrix(emitter, horizontal, lines(columns), w)];
  const first = product(emitter, left, x, [h, w * rest], way);
  const beside = joined && rows.tiles > 1 ? swapped(emitter, first, [rows.points, rows.tiles, w, rest], way) : first;
  const batch = joined ? [rows.points, w, rows.tiles * rest] : [lines(rows), w, rest];
  const second = product(emitter, right, beside, batch, way);
  return emitter.node('Reshape', [second, emitter.ints(shapeOn(way, tilesShape(plan, channels)))]);
}

/** Carries tiles to [h, w, n, channels], as [h, w · n · channels], by a matrix for each axis. */
function fromTiles(
  emitter: Emitter,
  tiles: string,
  plan: Plan,
  { h, w, channels, vertical, horizontal }: Transform,
  way: Way,
): string {
  const { rows, columns, joined } = plan;
  const rest = plan.x.n * channels;
  const [left, right] = [matrix(emitter, vertical, h, lines(rows)), matrix(emitter, horizontal, w, lines(columns))];
  const batch = joined ? [rows.points, lines(columns), rows.tiles * rest] : [lines(rows), lines(columns), rest];
  const first = product(emitter, right, tiles, batch, way);
  const parted = joined && rows.tiles > 1 ? swapped(emitter, first, [rows.points, w, rows.tiles, rest], way) : first;
  return product(emitter, left, parted, [lines(rows), w * rest], way);
}

/** The picture's tiles, transformed, in the shape of {@link tilesShape}. */
function inputTiles(emitter: Emitter, x: Value, plan: Plan): string {
  const name = emitter.nameIn(x, 'hwnc');
  return emitter.once(`bilinear-input:${name}:${plan.key}`, () => {
    const { h, w, c: channels } = plan.x;
    const transform = { h, w, channels, vertical: plan.rows.b, horizontal: plan.columns.b };
    return toTiles(emitter, name, plan, transform, 'forward');
  });
}

/**
 * The weights, transformed: [points, 1, points, c, o]. They are four times as large as the weights, so the backward pass transforms them
 * anew instead of keeping them.
 */
function weightTiles(emitter: Emitter, weights: Value, plan: Plan, way: Way): string {
  const name = emitter.nameIn(weights, 'hwio');
  return emitter.once(`bilinear-weights:${way}:${name}:${plan.key}`, () => {
    const { rows, columns, kernel } = plan;
    const rest = plan.x.c * plan.y.o;
    const tiles = alongBoth(
      emitter,
      name,
      [...kernel, rest],
      { data: rows.g, rows: rows.points },
      { data: columns.g, rows: columns.points },
      way,
    );
    const shape = [rows.points, 1, columns.points, plan.x.c, plan.y.o];
    return emitter.node('Reshape', [tiles, emitter.ints(shapeOn(way, shape))]);
  });
}

/** The output gradient carried to the tiles, in the shape of {@link tilesShape}. */
function outputGradientTiles(emitter: Emitter, dy: Value, plan: Plan): string {
  const name = emitter.nameIn(dy, 'hwnc');
  return emitter.once(`bilinear-gradient:${name}:${plan.key}`, () => {
    const { rows, columns } = plan;
    const { h, w, o: channels } = plan.y;
    const [vertical, horizontal] = [transposed(rows.a, h, lines(rows)), transposed(columns.a, w, lines(columns))];
    return toTiles(emitter, name, plan, { h, w, channels, vertical, horizontal }, 'back');
  });
}

/** y = A ((G w) ⊙ (B x)), in layout [h, w, n, o]. */
export function bilinearConv(
  emitter: Emitter,
  x: Value,
  weights: Value,
  y: Value,
  geometry: ConvGeometry,
  bias?: Value,
): void {
  const plan = planOf(x.shape, weights.shape, y.shape, geometry);
  const { rows, columns } = plan;
  const products = emitter.node('MatMul', [
    inputTiles(emitter, x, plan),
    weightTiles(emitter, weights, plan, 'forward'),
  ]);
  const { h, w, o } = plan.y;
  const { n } = plan.x;
  const transform = { h, w, channels: o, vertical: rows.a, horizontal: columns.a };
  const out = fromTiles(emitter, products, plan, transform, 'forward');
  const shape = emitter.ints([h, w, n, o]);
  if (bias === undefined) {
    emitter.node('Reshape', [out, shape], { outputs: [emitter.nameIn(y, 'hwnc')] });
  } else {
    const shaped = emitter.node('Reshape', [out, shape]);
    emitter.node('Add', [shaped, emitter.nameOf(bias)], { outputs: [emitter.nameIn(y, 'hwnc')] });
  }
}

/** dx = Bᵀ ((G w)ᵀ Aᵀ dy), in layout [h, w, n, c]. */
export function bilinearInputGradient(
  emitter: Emitter,
  dy: Value,
  weights: Value,
  dx: Value,
  geometry: ConvGeometry,
): void {
  const plan = planOf(dx.shape, weights.shape, dy.shape, geometry);
  const { rows, columns } = plan;
  const { h, w, n, c } = plan.x;
  const products = emitter.node(
    'FusedMatMul',
    [outputGradientTiles(emitter, dy, plan), weightTiles(emitter, weights, plan, 'back')],
    {
      attributes: { transB: 1 },
      domain: 'com.microsoft',
    },
  );
  const [vertical, horizontal] = [transposed(rows.b, lines(rows), h), transposed(columns.b, lines(columns), w)];
  const out = fromTiles(emitter, products, plan, { h, w, channels: c, vertical, horizontal }, 'back');
  emitter.node('Reshape', [out, emitter.ints([h, w, n, c])], { outputs: [emitter.nameIn(dx, 'hwnc')] });
}

/** dw = Gᵀ ((B x)ᵀ Aᵀ dy), in layout [kh, kw, c, o]. The sum over the products of a pair of points happens in the product with Gᵀ. */
export function bilinearWeightGradient(emitter: Emitter, x: Value, dy: Value, dw: Value, geometry: ConvGeometry): void {
  const plan = planOf(x.shape, dw.shape, dy.shape, geometry);
  const { rows, columns, kernel } = plan;
  const [kh, kw] = kernel;
  const products = emitter.node('FusedMatMul', [inputTiles(emitter, x, plan), outputGradientTiles(emitter, dy, plan)], {
    attributes: { transA: 1 },
    domain: 'com.microsoft',
  });
  const rest = plan.x.c * plan.y.o;
  const summed = rows.points * productsPerPair(plan);
  const tiledG = new Float32Array(kh * summed);
  for (let k = 0; k < kh; k++) {
    for (let line = 0; line < summed; line++)
      tiledG[k * summed + line] = rows.g[Math.floor(line / productsPerPair(plan)) * kh + k];
  }
  const out = alongBoth(
    emitter,
    products,
    [summed, columns.points, rest],
    { data: tiledG, rows: kh },
    { data: transposed(columns.g, columns.points, kw), rows: kw },
    'back',
  );
  emitter.node('Reshape', [out, emitter.ints([kh, kw, plan.x.c, plan.y.o])], { outputs: [emitter.nameIn(dw, 'hwio')] });
}
