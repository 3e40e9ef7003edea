// Arrays whose numbers are known while a network is read: shapes, axes, scalars, and what is computed from them.
import { sizeOf } from '../../graph/index.js';

/** A dense array, row by row. Integers of ONNX are held as numbers: sizes and indices stay far below 2^53. */
export interface Known {
  readonly type: 'integer' | 'float';
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** A vector of integers. */
export function integers(data: readonly number[]): Known {
  return { type: 'integer', shape: [data.length], data };
}

/** Row-major strides of a shape. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** An array of `shape` whose element at each multi-index is `of(index)`. */
export function generate(
  type: Known['type'],
  shape: readonly number[],
  of: (index: readonly number[]) => number,
): Known {
  const strides = stridesOf(shape);
  const data = Array.from({ length: sizeOf(shape) }, (_, flat) =>
    of(shape.map((dim, axis) => Math.floor(flat / strides[axis]) % dim)),
  );
  return { type, shape, data };
}

/** The element at a multi-index of an array that is broadcast to a rank at least its own. */
export function broadcastAt({ shape, data }: Known, index: readonly number[]): number {
  const lead = index.length - shape.length;
  const strides = stridesOf(shape);
  return data[shape.reduce((at, dim, axis) => at + (dim === 1 ? 0 : index[axis + lead] * strides[axis]), 0)];
}
