// Sums of a picture's channels over pixels and samples on the CPU, where the runtime's ReduceSum over all of them at once reads memory at a
// fifth of its rate where channels lie last, at half of it where they do not.
import type { Emitter, Value } from '../value.js';
import type { Layout } from './layout.js';

/** Whether the sums of x over all axes but the channels have this form: those of a picture in a layout that keeps its rows together. */
export function hasChannelSums(emitter: Emitter, x: Value, layout: Layout): boolean {
  const inOrder = layout === 'hwnc' || layout === 'tiled' || layout === 'standard';
  return emitter.target.device === 'cpu' && x.rank === 4 && inOrder;
}

/** What is made of the sums: `keepdims` says whether their shape is [c] or has an axis of 1 for each that is summed over. */
interface SumOptions {
  readonly attributes: { readonly keepdims: number };
  readonly outputs?: readonly string[];
}

/** Emits the sums of x, a picture that lies in a layout. */
export function lowerChannelSum(
  emitter: Emitter,
  x: Value,
  { picture, layout }: { readonly picture: string; readonly layout: Layout },
  options: SumOptions,
): string {
  return layout === 'standard'
    ? sumOfPictures(emitter, picture, options)
    : productWithOnes(emitter, x, picture, options);
}

/** The sums of each picture, then theirs. */
function sumOfPictures(emitter: Emitter, picture: string, { attributes, ...out }: SumOptions): string {
  const sums = emitter.node('ReduceSum', [picture, emitter.ints([2, 3])], { attributes });
  return emitter.node('ReduceSum', [sums, emitter.ints([0])], { attributes, ...out });
}

/** A row of ones times every row of the picture, [1, w · n] · [w · n, c], then the sum of the rows: of shape [c], or [1, 1, 1, c]. */
function productWithOnes(emitter: Emitter, x: Value, picture: string, { attributes, ...out }: SumOptions): string {
  const [n, c, h, w] = x.shape;
  const rows = emitter.node('Reshape', [picture, emitter.ints([h, w * n, c])]);
  const ones = emitter.once(`ones:${w * n}`, () =>
    emitter.initializer(
      { data: new Float32Array(w * n).fill(1), dtype: 'float32', shape: [1, w * n] },
      emitter.fresh('ones'),
    ),
  );
  const sums = emitter.node('Reshape', [emitter.node('MatMul', [ones, rows]), emitter.ints([h, 1, 1, c])]);
  const axes = attributes.keepdims === 1 ? [0] : [0, 1, 2];
  return emitter.node('ReduceSum', [sums, emitter.ints(axes)], { attributes, ...out });
}
