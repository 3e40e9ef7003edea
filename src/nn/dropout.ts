// The random factors of dropout: a function of seed, pass and image alone, so that a resumed run drops the same, and so do several
// processes that share a pass.
import { Random } from '../common/random.js';
import { sizeOf } from '../graph/index.js';
import type { DropoutMask } from './parameters.js';

/** The first of the generator's streams that belong to passes; those before are for other purposes. */
const firstStream = 2 ** 16;

/** Which images of a pass the masks are for: `images` from `firstImage` on, of so many. */
export interface DropoutPart {
  readonly firstImage: number;
  readonly images: number;
  readonly of: number;
}

/**
 * Factors for each mask of a pass.
 * @param masks whose elements lie image by image. @param pass its number in the whole run, from 0. @param part all images by default.
 */
export function dropoutFactors(
  masks: readonly DropoutMask[],
  seed: number,
  pass: number,
  { firstImage, images, of }: DropoutPart = { firstImage: 0, images: 1, of: 1 },
): Map<string, Float32Array> {
  const random = new Random(seed, firstStream + pass);
  return new Map(
    masks.map(({ name, shape, ratio }) => {
      const [dropped, kept] = [ratio * 2 ** 32, 1 / (1 - ratio)];
      const factors = new Float32Array(sizeOf(shape));
      const first = (factors.length / images) * firstImage;
      const total = (factors.length / images) * of;
      for (let i = 0; i < total; i++) {
        const factor = random.uint32() < dropped ? 0 : kept;
        if (i >= first && i < first + factors.length) factors[i - first] = factor;
      }
      return [name, factors];
    }),
  );
}
