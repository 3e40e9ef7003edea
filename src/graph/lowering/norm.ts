// The length of a tensor: the runtime's operator, and on WebGPU one in two stages, where the operator would leave all to one group of threads.
import type { EmitOptions, Emitter, Value } from '../value.js';

/** From so many elements on a tensor is worth two stages. */
const fewestElements = 2 ** 16;

/** Emits the Euclidean length of x, whose elements lie in `from` in any order. */
export function lowerNorm(emitter: Emitter, x: Value, from: string, y: string): void {
  const length = (of: string, options: EmitOptions) =>
    emitter.node('ReduceL2', [of], { ...options, attributes: { ...options.attributes, keepdims: 0 } });
  const rows = emitter.target.device === 'webgpu' && x.size >= fewestElements ? rowsOf(x.size) : 1;
  if (rows === 1) {
    length(from, { outputs: [y] });
    return;
  }
  // The length of the rows' lengths, whose number is as large as theirs.
  const table = emitter.node('Reshape', [from, emitter.ints([rows, x.size / rows])]);
  length(length(table, { attributes: { axes: [1] } }), { outputs: [y] });
}

/** The largest divisor up to the square root. */
function rowsOf(size: number): number {
  let rows = Math.floor(Math.sqrt(size));
  while (size % rows !== 0) rows--;
  return rows;
}
