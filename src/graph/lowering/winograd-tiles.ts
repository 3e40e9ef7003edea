// Between pictures and tiles: constant matrices applied along the rows and the columns of a picture [h, w, n, c], as matrix products.
import type { Emitter } from '../value.js';
import { lines, type Plan, tilesShape } from './winograd-plan.js';

/** A small constant matrix [rows, columns], stored once per content. */
function matrix(emitter: Emitter, data: Float32Array, rows: number, columns: number): string {
  return emitter.once(`matrix:${rows}x${columns}:${data.join()}`, () =>
    emitter.initializer({ data, dtype: 'float32', shape: [rows, columns] }, emitter.fresh('matrix')),
  );
}

/** A matrix [rows, columns] of the transpose of `data`, which is [columns, rows]. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}

/**
 * The pass that a product belongs to. The runtime lets a tensor take the memory of an earlier one of the same shape, and holds that memory from
 * the first to the last of them: what the forward pass needs for a moment would be held until the backward pass, more than everything that is
 * kept on purpose. On the backward pass each tensor has an axis of one in front, so that their shapes differ.
 */
export type Pass = 'forward' | 'backward';

/** A shape as it is on a pass. */
export const shapeOn = (pass: Pass, shape: readonly number[]): readonly number[] =>
  pass === 'backward' ? [1, ...shape] : shape;

/** `left · x`, with x first given a shape [k, rest] or [batch, k, rest]. */
function product(emitter: Emitter, left: string, x: string, shape: readonly number[], pass: Pass): string {
  return emitter.node('MatMul', [left, emitter.node('Reshape', [x, emitter.ints(shapeOn(pass, shape))])]);
}

/** A matrix with the number of its rows. */
interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
}

/** Applies a matrix along the rows, then one along the columns: [h, w, rest] to [h', w', rest]. */
export function alongBoth(
  emitter: Emitter,
  x: string,
  [h, w, rest]: readonly [number, number, number],
  left: Matrix,
  right: Matrix,
  pass: Pass,
): string {
  const vertical = matrix(emitter, left.data, left.rows, h);
  const horizontal = matrix(emitter, right.data, right.rows, w);
  return product(emitter, horizontal, product(emitter, vertical, x, [h, w * rest], pass), [left.rows, w, rest], pass);
}

/** [a, b, c, rest] as [a, c, b, rest]. */
function swapped(emitter: Emitter, x: string, shape: readonly [number, number, number, number], pass: Pass): string {
  const shaped = emitter.node('Reshape', [x, emitter.ints(shapeOn(pass, shape))]);
  const perm = pass === 'backward' ? [0, 1, 3, 2, 4] : [0, 2, 1, 3];
  return emitter.node('Transpose', [shaped], { attributes: { perm } });
}

/** One axis of a transform: a matrix over the whole axis, or one that is applied to every tile. */
export interface AxisTransform {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly of: 'axis' | 'tile';
}

/** A picture [h, w, n, channels], and how its rows and columns are carried to the tiles or back. */
export interface Transform {
  readonly h: number;
  readonly w: number;
  readonly channels: number;
  readonly vertical: AxisTransform;
  readonly horizontal: AxisTransform;
}

const matrixOf = (emitter: Emitter, { data, rows, columns }: AxisTransform): string =>
  matrix(emitter, data, rows, columns);

/** Carries x [h, w, n, channels] to the tiles. */
export function toTiles(
  emitter: Emitter,
  x: string,
  plan: Plan,
  { h, w, channels, vertical, horizontal }: Transform,
  pass: Pass,
): string {
  const { rows, columns, joined } = plan;
  const rest = plan.x.n * channels;
  const picture = vertical.of === 'tile' ? [rows.tiles, vertical.columns, w * rest] : [h, w * rest];
  const first = product(emitter, matrixOf(emitter, vertical), x, picture, pass);
  const beside = joined && rows.tiles > 1 ? swapped(emitter, first, [rows.points, rows.tiles, w, rest], pass) : first;
  const [batch, within] = joined ? [rows.points, rows.tiles * rest] : [lines(rows), rest];
  const strip = horizontal.of === 'tile' ? [horizontal.columns, columns.tiles * within] : [w, within];
  const second = product(emitter, matrixOf(emitter, horizontal), beside, [batch, ...strip], pass);
  return emitter.node('Reshape', [second, emitter.ints(shapeOn(pass, tilesShape(plan, channels)))]);
}

/** Carries tiles to a picture, [h, w, n, channels] as matrix products leave it: the rows may still be in tiles. */
export function fromTiles(
  emitter: Emitter,
  tiles: string,
  plan: Plan,
  { w, channels, vertical, horizontal }: Transform,
  pass: Pass,
): string {
  const { rows, columns, joined } = plan;
  const rest = plan.x.n * channels;
  const [batch, within] = joined ? [rows.points, rows.tiles * rest] : [lines(rows), rest];
  const strip = horizontal.of === 'tile' ? [columns.points, columns.tiles * within] : [lines(columns), within];
  const first = product(emitter, matrixOf(emitter, horizontal), tiles, [batch, ...strip], pass);
  const parted = joined && rows.tiles > 1 ? swapped(emitter, first, [rows.points, w, rows.tiles, rest], pass) : first;
  const picture = vertical.of === 'tile' ? [rows.tiles, rows.points, w * rest] : [lines(rows), w * rest];
  return product(emitter, matrixOf(emitter, vertical), parted, picture, pass);
}
