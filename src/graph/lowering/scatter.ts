// The forms of adding rows to a table at indices that may repeat.
import { type Emitter, type Node, type Shape, sizeOf, type Value } from '../value.js';

/** ONNX's numbers for the dtypes that are cast to. */
const to = { float32: 1, int64: 7 } as const;

/** Emits a table of zeros of the shape to which the rows [i…, …] are added at the indices [i…]. */
export function lowerScatterAdd(
  emitter: Emitter,
  { inputs: [rows, indices], attributes: { shape }, outputs: [y] }: Node<{ shape: Shape }>,
): void {
  const output = emitter.nameOf(y);
  // WebGPU adds atomically, in another order each time, and takes indices of 32 bits alone where they are computed with.
  if (emitter.target.device === 'webgpu' && indices.dtype === 'int32') asProduct(emitter, rows, indices, shape, output);
  else asScatter(emitter, rows, indices, shape, output);
}

/** The operator for it, whose indices are int64. */
function asScatter(emitter: Emitter, rows: Value, indices: Value, shape: Shape, output: string): void {
  const name = emitter.nameOf(indices);
  const wide = indices.dtype === 'int64' ? name : emitter.node('Cast', [name], { attributes: { to: to.int64 } });
  const at = emitter.node('Unsqueeze', [wide, emitter.ints([-1])]);
  const zeros = emitter.once(`zeros:${shape.join()}`, () =>
    emitter.node('Expand', [emitter.float(0), emitter.ints(shape)]),
  );
  emitter.node('ScatterND', [zeros, at, emitter.nameOf(rows)], {
    attributes: { reduction: 'add' },
    outputs: [output],
  });
}

/** A product with the matrix that has a 1 where a row of the table is an index: the same sum in the same order every time. */
function asProduct(emitter: Emitter, rows: Value, indices: Value, [count, ...rest]: Shape, output: string): void {
  const width = sizeOf(rest);
  const numbers = { data: Int32Array.from({ length: count }, (_, i) => i), dtype: 'int32', shape: [count, 1] } as const;
  const own = emitter.once(`rows:${count}`, () => emitter.initializer(numbers, emitter.fresh('rows')));
  const across = emitter.node('Reshape', [emitter.nameOf(indices), emitter.ints([1, indices.size])]);
  const ones = emitter.node('Cast', [emitter.node('Equal', [own, across])], {
    attributes: { to: to.float32 },
  });
  const flat = emitter.node('Reshape', [emitter.nameOf(rows), emitter.ints([indices.size, width])]);
  emitter.node('Reshape', [emitter.node('MatMul', [ones, flat]), emitter.ints([count, ...rest])], {
    outputs: [output],
  });
}
