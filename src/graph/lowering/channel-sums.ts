// Sums of a picture's channels over pixels and samples on the CPU, where the runtime's ReduceSum reads memory at a fifth of its rate.
import type { Emitter, Value } from '../value.js';
import type { Layout } from './layout.js';

/** Whether a reduction is of this form: all axes of a picture but the channels, which lie last. */
export function isChannelSum(emitter: Emitter, layout: Layout, axes: readonly number[]): boolean {
  const channelsLast = layout === 'hwnc' || layout === 'tiled';
  return emitter.target.device === 'cpu' && channelsLast && axes.join() === '0,2,3';
}

/** A row of ones times every row of the picture, [1, w · n] · [w · n, c], then the sum of the rows: of shape [c], or [1, 1, 1, c]. */
export function lowerChannelSum(emitter: Emitter, x: Value, picture: string, output: string, keepDims: boolean): void {
  const [n, c, h, w] = x.shape;
  const rows = emitter.node('Reshape', [picture, emitter.ints([h, w * n, c])]);
  const ones = emitter.once(`ones:${w * n}`, () =>
    emitter.initializer(
      { data: new Float32Array(w * n).fill(1), dtype: 'float32', shape: [1, w * n] },
      emitter.fresh('ones'),
    ),
  );
  const sums = emitter.node('Reshape', [emitter.node('MatMul', [ones, rows]), emitter.ints([h, 1, 1, c])]);
  const axes = keepDims ? [0] : [0, 1, 2];
  emitter.node('ReduceSum', [sums, emitter.ints(axes)], {
    attributes: { keepdims: keepDims ? 1 : 0 },
    outputs: [output],
  });
}
