// Short ways to make the tensors that sessions take.
import { Tensor } from 'onnxruntime-common';

/** A float32 tensor over `data` (not copied). */
export function float32(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', data, shape);
}

/** A float32 number without dimensions. */
export function float32Scalar(value: number): Tensor {
  return new Tensor('float32', Float32Array.of(value), []);
}

/** An int64 vector, for labels and indices. */
export function int64(values: ArrayLike<number>): Tensor {
  return new Tensor('int64', BigInt64Array.from(values as ArrayLike<number> & Iterable<number>, BigInt), [
    values.length,
  ]);
}

/** The elements of a float32 tensor. */
export function float32Data(tensor: Tensor): Float32Array {
  if (!(tensor.data instanceof Float32Array)) throw new TypeError(`expected a float32 tensor, got ${tensor.type}`);
  return tensor.data;
}
