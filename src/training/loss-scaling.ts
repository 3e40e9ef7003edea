// Dynamic loss scaling (Micikevicius et al., "Mixed precision training", ICLR 2018, section 3.2): in half precision small gradients would be
// rounded to zero, so that they are computed some thousand times as long, and made as they should be when they are in float32. The factor is
// the largest that does not overflow, found by trying.
import { z } from 'zod';

export const lossScalingStateSchema = z.strictObject({
  /** Factor on the gradients of the network before the classifier, a power of two. */
  scale: z.number().positive(),
  /** Steps since it changed. */
  steps: z.int().nonnegative(),
});
export type LossScalingState = z.output<typeof lossScalingStateSchema>;

/** The input of a step's graph that the scale is fed to. */
export const lossScaleName = 'lossScale';

/** The first scale, and its bounds: at 1 nothing is scaled, and beyond the largest a float32 holds it no longer to spare. */
const bounds = { start: 2 ** 16, least: 1, largest: 2 ** 24 } as const;
/** Steps without an overflow after which the scale is doubled. */
const growthInterval = 2000;

export class LossScaling {
  private current: LossScalingState;

  constructor(state: LossScalingState = { scale: bounds.start, steps: 0 }) {
    this.current = state;
  }

  get state(): LossScalingState {
    return this.current;
  }

  get scale(): number {
    return this.current.scale;
  }

  /**
   * Takes note of a step's gradients.
   * @param loss of the step; where it is not finite itself, no scale of gradients can help. @param norms of the gradients, by parameter.
   * @returns `overflow` where the step must not be applied, because its gradients were too long for half precision: the next ones are half
   *   as long. What is not finite at the least scale is no overflow, but for the guard.
   */
  judge(loss: number, norms: ReadonlyMap<string, number>): 'overflow' | 'sound' {
    const { scale, steps } = this.current;
    const finite = [...norms.values()].every(Number.isFinite);
    if (!finite && Number.isFinite(loss) && scale > bounds.least) {
      this.current = { scale: scale / 2, steps: 0 };
      return 'overflow';
    }
    const grows = steps + 1 >= growthInterval && scale < bounds.largest;
    this.current = grows ? { scale: scale * 2, steps: 0 } : { scale, steps: steps + 1 };
    return 'sound';
  }
}
