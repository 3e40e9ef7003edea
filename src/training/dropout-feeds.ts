// Factors of dropout as inputs of a pass: the same for any number of ranks, and after a resumption.
import { dropoutFactors, type DropoutMask } from '../nn/index.js';
import { float32, type Tensor } from '../runtime/index.js';
import type { Recipe } from './recipe.js';
import type { StepShare } from './step-share.js';

export class DropoutFeeds {
  /** @param recipe of the whole step. @param share of which this process computes. */
  constructor(
    private readonly masks: readonly DropoutMask[],
    private readonly recipe: Recipe,
    private readonly share: StepShare,
  ) {}

  /** @param done optimizer steps done. @param pass of those that this process makes in a step, from 0. */
  of(done: number, pass: number): Record<string, Tensor> {
    const { seed, solver } = this.recipe;
    const { firstPass, firstImage, images } = this.share;
    const number = done * solver.iterSize + firstPass + pass;
    const factors = dropoutFactors(this.masks, seed, number, { firstImage, images, of: solver.batchSize });
    return Object.fromEntries(this.masks.map(({ name, shape }) => [name, float32(factors.get(name)!, shape)]));
  }
}
