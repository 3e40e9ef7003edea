// Where values are above or below 0, as 0 and 1.
import type { Emitter } from '../value.js';

/**
 * Emits 1 where `side · x` > 0, else 0. max(0, min(1, ±3e38 x)) is 1 for every normal x beyond 0, and HardSigmoid runs on all threads
 * where Cast does not.
 */
export function emitSignMask(emitter: Emitter, x: string, side: 1 | -1, y?: string): string {
  return emitter.node('HardSigmoid', [x], {
    attributes: { alpha: { float: side * 3e38 }, beta: { float: 0 } },
    ...(y === undefined ? {} : { outputs: [y] }),
  });
}
