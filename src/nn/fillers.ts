// How parameters start: Caffe's fillers.
import type { Random } from '../common/random.js';
import { type Shape, sizeOf } from '../graph/index.js';

export type Filler =
  /**
   * Uniform over ±sqrt(3 · gain / fan-in): Caffe's `xavier` with its default variance norm for a gain of 1, the default. A gain of 2
   * keeps the signal's strength from one rectified layer to the next.
   */
  | { readonly type: 'xavier'; readonly gain?: number }
  | { readonly type: 'gaussian'; readonly std: number }
  | { readonly type: 'constant'; readonly value: number }
  /** The numbers of a network that was read from elsewhere, row by row. */
  | { readonly type: 'stored'; readonly data: Float32Array };

/** Values of one parameter. The fan-in of `[out, in, …]` is the number of elements per output. */
export function fill(filler: Filler, shape: Shape, random: Random): Float32Array {
  const data = new Float32Array(sizeOf(shape));
  switch (filler.type) {
    case 'xavier': {
      const bound = Math.sqrt(3 / (data.length / shape[0]));
      const factor = Math.sqrt(filler.gain ?? 1);
      // Rounded before it is scaled: runs of earlier versions, which scaled afterwards, start at the same bits.
      for (let i = 0; i < data.length; i++) data[i] = Math.fround(random.between(-bound, bound)) * factor;
      return data;
    }
    case 'gaussian':
      return data.map(() => random.gaussian(0, filler.std));
    case 'constant':
    case 'stored':
      return determined(filler, shape)!;
    default:
      return filler satisfies never;
  }
}

/** Brings a generator to where it is after so many values have been filled. */
export function passOver(filler: Filler, count: number, random: Random): void {
  switch (filler.type) {
    case 'xavier':
      return random.skip(2 * count);
    case 'gaussian':
      return random.skip(4 * count);
    case 'constant':
    case 'stored':
      return;
    default:
      return filler satisfies never;
  }
}

/** Values that no chance has part in; `undefined` for fillers that draw. */
export function determined(filler: Filler, shape: Shape): Float32Array | undefined {
  switch (filler.type) {
    case 'constant':
      return new Float32Array(sizeOf(shape)).fill(filler.value);
    case 'stored':
      return filler.data.slice();
    case 'xavier':
    case 'gaussian':
      return undefined;
    default:
      return filler satisfies never;
  }
}
