// Where values are above or below 0, as 0 and 1.
import type { Emitter } from '../value.js';

/**
 * Emits 1 where `side · x` > 0, else 0. max(0, min(1, ±3e38 x)) is 1 for every normal x beyond 0, and HardSigmoid runs on all threads
 * where Cast does not. In half precision, where no such factor is to be had, it is a comparison.
 */
export function emitSignMask(emitter: Emitter, x: string, side: 1 | -1, y?: string): string {
  const options = y === undefined ? {} : { outputs: [y] };
  if (emitter.precision === 'float16') {
    const isBeyond = emitter.node(side === 1 ? 'Greater' : 'Less', [x, emitter.float(0)]);
    return emitter.cast(isBeyond, 'float16', options);
  }
  return emitter.node('HardSigmoid', [x], {
    ...options,
    attributes: { alpha: { float: side * 3e38 }, beta: { float: 0 } },
  });
}
