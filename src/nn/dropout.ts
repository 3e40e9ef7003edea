// The random factors of dropout: a function of seed and pass alone, so that a resumed run drops the same.
import { Random } from '../common/random.js';
import { sizeOf } from '../graph/index.js';
import type { DropoutMask } from './parameters.js';

/** The first of the generator's streams that belong to passes; those before are for other purposes. */
const firstStream = 2 ** 16;

/**
 * Factors for each mask of a pass.
 * @param pass its number in the whole run, from 0
 */
export function dropoutFactors(masks: readonly DropoutMask[], seed: number, pass: number): Map<string, Float32Array> {
  const random = new Random(seed, firstStream + pass);
  return new Map(
    masks.map(({ name, shape, ratio }) => {
      const [dropped, kept] = [ratio * 2 ** 32, 1 / (1 - ratio)];
      const factors = new Float32Array(sizeOf(shape));
      for (let i = 0; i < factors.length; i++) factors[i] = random.uint32() < dropped ? 0 : kept;
      return [name, factors];
    }),
  );
}
