// Which images of a step this rank takes. The images of a step and their order are the same for any number of ranks.
import { UsageError } from '../common/errors.js';
import type { Communicator } from '../distributed/index.js';
import type { Recipe } from './recipe.js';

/** A rank's part of the `iterSize` passes of `batchSize` images that make up a step. */
export interface StepShare {
  /**
   * `passes`: whole passes of the step, each computed as one process computes it. `images`: some images of every pass.
   */
  readonly of: 'passes' | 'images';
  /** The first of its passes, and how many it makes. */
  readonly firstPass: number;
  readonly passes: number;
  /** The first of its images in each of these passes, and how many there are. */
  readonly firstImage: number;
  readonly images: number;
}

/** @throws UsageError when neither the passes nor the images of a pass can be divided equally. */
export function shareOf(
  { batchSize, iterSize }: Pick<Recipe['solver'], 'batchSize' | 'iterSize'>,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
): StepShare {
  if (iterSize % size === 0) {
    const passes = iterSize / size;
    return { of: 'passes', firstPass: rank * passes, passes, firstImage: 0, images: batchSize };
  }
  if (batchSize % size === 0) return imagesShare({ batchSize, iterSize }, { rank, size });
  throw indivisible({ batchSize, iterSize }, size, 'solver.iterSize or solver.batchSize');
}

/** A rank's images of every pass. @throws UsageError when they cannot be divided equally. */
export function imagesShare(
  { batchSize, iterSize }: Pick<Recipe['solver'], 'batchSize' | 'iterSize'>,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
): StepShare {
  if (batchSize % size !== 0) throw indivisible({ batchSize, iterSize }, size, 'solver.batchSize');
  const images = batchSize / size;
  return { of: 'images', firstPass: 0, passes: iterSize, firstImage: rank * images, images };
}

function indivisible(
  { batchSize, iterSize }: Pick<Recipe['solver'], 'batchSize' | 'iterSize'>,
  size: number,
  divisible: string,
): UsageError {
  return new UsageError('A step cannot be divided equally over the ranks.', {
    got: `${size} ranks, for ${iterSize} × ${batchSize} images (solver.iterSize passes of solver.batchSize)`,
    expected: `a number of ranks that divides ${divisible}`,
    next: `start another number of processes, or change the step: --set solver.batchSize=${Math.ceil(batchSize / size) * size}`,
  });
}

/** The recipe of what one rank computes: its share of the passes and of their images. */
export function recipeOfShare(recipe: Recipe, { passes, images }: StepShare): Recipe {
  return { ...recipe, solver: { ...recipe.solver, batchSize: images, iterSize: passes } };
}
