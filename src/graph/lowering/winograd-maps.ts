// The four linear maps of a planned convolution between pictures and tiles: its input and output, and the gradients of both.
import { columnTile, tiledColumns } from './layout.js';
import { lines, type Plan } from './winograd-plan.js';
import type { BilinearAxis } from './winograd-transforms.js';
import { type AxisTransform, transposed, type Transform } from './winograd-tiles.js';

/** A matrix [rows, columns]. */
interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

const turned = <M extends Matrix>(matrix: M): M => ({
  ...matrix,
  data: transposed(matrix.data, matrix.rows, matrix.columns),
  rows: matrix.columns,
  columns: matrix.rows,
});

/** Rows of a matrix in another order: row i is what was row `order[i]`. */
const reordered = ({ data, rows, columns }: Matrix, order: readonly number[]): Matrix => ({
  data: Float32Array.from(data, (_, i) => data[order[Math.floor(i / columns)] * columns + (i % columns)]),
  rows,
  columns,
});

/** The lines of an axis by tiles, then points, in the order that they have by points, then tiles. */
const byTiles = ({ points, tiles }: BilinearAxis): number[] =>
  Array.from({ length: points * tiles }, (_, i) => (i % points) * tiles + Math.floor(i / points));

const ofAxis = (matrix: Matrix): AxisTransform => ({ ...matrix, of: 'axis' });
const ofTile = ({ m, points, tileA }: BilinearAxis): AxisTransform => ({
  data: tileA,
  rows: m,
  columns: points,
  of: 'tile',
});

/** From the lines of an axis to the output (A), and from its input to the lines (B). */
interface AxisMaps {
  readonly a: AxisTransform;
  readonly b: AxisTransform;
}

/** Rows of pictures lie in their order; those of tiles by points first where they are joined, else by tiles first. */
function rowMaps({ rows, joined, whole, x, y }: Plan): AxisMaps {
  const inOrder = (toLines: Matrix): Matrix => (joined ? toLines : reordered(toLines, byTiles(rows)));
  const a = turned({ data: rows.a, rows: y.h, columns: lines(rows) });
  const b = { data: rows.b, rows: lines(rows), columns: x.h };
  return { a: whole.rows ? ofTile(rows) : ofAxis(turned(inOrder(a))), b: ofAxis(inOrder(b)) };
}

/** Columns of pictures lie in tiles where there are such; those of tiles by points first. */
function columnMaps({ columns, whole, x, y }: Plan): AxisMaps {
  const inTiles = (fromPixels: Matrix, width: number): Matrix =>
    columnTile(width) > 1 ? reordered(fromPixels, tiledColumns(width)) : fromPixels;
  const a = { data: columns.a, rows: y.w, columns: lines(columns) };
  const b = turned({ data: columns.b, rows: lines(columns), columns: x.w });
  return {
    a: whole.columns ? ofTile(columns) : ofAxis(inTiles(a, y.w)),
    b: ofAxis(turned(inTiles(b, x.w))),
  };
}

/** The maps of a convolution: B, A, Aᵀ and Bᵀ. */
export function transformsOf(
  plan: Plan,
): Readonly<Record<'input' | 'output' | 'outputGradient' | 'inputGradient', Transform>> {
  const [rows, columns] = [rowMaps(plan), columnMaps(plan)];
  const x = { h: plan.x.h, w: plan.x.w, channels: plan.x.c };
  const y = { h: plan.y.h, w: plan.y.w, channels: plan.y.o };
  return {
    input: { ...x, vertical: rows.b, horizontal: columns.b },
    output: { ...y, vertical: rows.a, horizontal: columns.a },
    outputGradient: { ...y, vertical: turned(rows.a), horizontal: turned(columns.a) },
    inputGradient: { ...x, vertical: turned(rows.b), horizontal: turned(columns.b) },
  };
}
