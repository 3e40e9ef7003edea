// Shape arithmetic shared by the ops, and the error they throw.
import { SphereFaceError } from '../common/errors.js';
import type { DType, Shape, TensorType, Value } from './value.js';

/** Inputs of an op that do not fit together. */
export class ShapeError extends SphereFaceError {
  constructor(op: string, inputs: readonly TensorType[], expected: string) {
    super(`${op}: the inputs do not fit`, { got: inputs.map(describe).join(', '), expected });
  }
}

/** `float32[2, 3]`, for messages. */
export function describe(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** The shape two shapes broadcast to under NumPy's rule, or `undefined` when they do not. */
export function broadcastShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const p = a[a.length - rank + i] ?? 1;
    const q = b[b.length - rank + i] ?? 1;
    if (p !== q && p !== 1 && q !== 1) return undefined;
    shape.push(p === 1 ? q : p);
  }
  return shape;
}

/** Axes as non-negative, ascending, without repeats; throws when one is out of range. */
export function normalizeAxes(op: string, x: Value, axes: readonly number[]): number[] {
  const normal = axes.map((axis) => (axis < 0 ? axis + x.rank : axis));
  if (
    normal.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= x.rank) ||
    new Set(normal).size !== normal.length
  ) {
    throw new ShapeError(op, [x], `distinct axes within rank ${x.rank}, got [${axes.join(', ')}]`);
  }
  return normal.sort((a, b) => a - b);
}

/** Throws unless `value` has one of the dtypes. */
export function requireDType(op: string, value: Value, ...allowed: readonly DType[]): void {
  if (!allowed.includes(value.dtype)) throw new ShapeError(op, [value], `dtype ${allowed.join(' or ')}`);
}

/** Throws unless all inputs have the first one's dtype. */
export function requireSameDType(op: string, inputs: readonly Value[]): void {
  if (inputs.some((input) => input.dtype !== inputs[0].dtype))
    throw new ShapeError(op, inputs, 'one dtype for all inputs');
}

/** Throws unless `value` has this rank. */
export function requireRank(op: string, value: Value, rank: number): void {
  if (value.rank !== rank) throw new ShapeError(op, [value], `rank ${rank}`);
}
