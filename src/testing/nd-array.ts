// Plain float64 arrays with a shape: what the tests' reference implementations compute with, by naive loops.
import { Random } from '../common/random.js';
import { Tensor } from '../runtime/index.js';

/** A dense array in row-major order. int64 arrays hold labels and indices; they are never differentiated. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
  readonly dtype: 'float32' | 'int32' | 'int64';
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** An array whose element at a multi-index is `at(index)`. */
export function tabulate(shape: readonly number[], at: (index: readonly number[]) => number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = at(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape, data, dtype: 'float32' };
}

/** The element at a multi-index; axes of size 1 and missing leading axes repeat (NumPy's broadcasting). */
export function at(x: NdArray, index: readonly number[]): number {
  const lead = index.length - x.shape.length;
  let offset = 0;
  for (let axis = 0; axis < x.shape.length; axis++) {
    offset = offset * x.shape[axis] + (x.shape[axis] === 1 ? 0 : index[axis + lead]);
  }
  return x.data[offset];
}

/** Every element through `f`. */
export function map(x: NdArray, f: (value: number) => number): NdArray {
  return { ...x, data: x.data.map((value) => f(value)) };
}

/** All multi-indices of a shape, in row-major order. */
export function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const count = sizeOf(shape);
  const index = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

/** Values rounded to float32, so that the reference and the engine start from the same numbers. */
export function fromValues(shape: readonly number[], values: ArrayLike<number>): NdArray {
  const data = Float64Array.from(values, Math.fround);
  if (data.length !== sizeOf(shape)) throw new RangeError(`${data.length} values for [${shape.join(', ')}]`);
  return { shape, data, dtype: 'float32' };
}

/** Uniform values in [low, high). */
export function uniform(shape: readonly number[], seed: number, low = -2, high = 2): NdArray {
  const random = new Random(seed);
  return fromValues(
    shape,
    Array.from({ length: sizeOf(shape) }, () => random.between(low, high)),
  );
}

/**
 * Shuffled values that are pairwise at least `spacing` apart and none closer than `spacing / 2` to 0: a central difference
 * with a step well below that never crosses the kink of relu, abs, max or a pooling window.
 */
export function distinct(shape: readonly number[], seed: number, spacing = 0.05): NdArray {
  const count = sizeOf(shape);
  const values = Array.from({ length: count }, (_, i) => (i - Math.floor(count / 2) + 0.5) * spacing);
  new Random(seed).shuffle(values);
  return fromValues(shape, values);
}

/** int64 indices in 0 … count − 1; repeats are likely. */
export function randomIndices(shape: readonly number[], seed: number, count: number): NdArray {
  const random = new Random(seed);
  const data = Float64Array.from({ length: sizeOf(shape) }, () => random.integer(count));
  return { shape, data, dtype: 'int64' };
}

export function toTensor({ dtype, data, shape }: NdArray): Tensor {
  switch (dtype) {
    case 'int64':
      return new Tensor('int64', BigInt64Array.from(data, BigInt), shape);
    case 'int32':
      return new Tensor('int32', Int32Array.from(data), shape);
    case 'float32':
      return new Tensor('float32', Float32Array.from(data), shape);
    default:
      return dtype satisfies never;
  }
}

export function fromTensor(tensor: Tensor): NdArray {
  if (!(tensor.data instanceof Float32Array)) throw new TypeError(`expected a float32 tensor, got ${tensor.type}`);
  return { shape: tensor.dims, data: Float64Array.from(tensor.data), dtype: 'float32' };
}
