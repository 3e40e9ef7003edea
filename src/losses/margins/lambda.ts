// λ, the weight of the plain logit against the margin's, which falls as training goes on; and what a λ amounts to.
import { z } from 'zod';

const nonNegative = z.number().nonnegative();

export const lambdaSchema = z.strictObject({
  base: nonNegative
    .default(1000)
    .describe('How large λ is at first: λ = max(minimum, base · (1 + gamma · (start + step))^−power).'),
  gamma: nonNegative.default(0.12).describe('How soon λ falls.'),
  power: nonNegative.default(1).describe('How steeply λ falls.'),
  minimum: nonNegative.default(5).describe('What λ does not fall below.'),
  start: z.int().nonnegative().default(0).describe('Steps that count as done at the start.'),
});

export type LambdaSchedule = z.output<typeof lambdaSchema>;

/**
 * λ of a step: max(minimum, base · (1 + gamma · (start + step))^−power). The weight of the plain logit against the margin's
 * (Liu et al. 2017, "SphereFace", released training code).
 * @param step 1-based count of optimizer steps (not of forward passes: the released layer counts those).
 */
export function annealedLambda(schedule: LambdaSchedule, step: number): number {
  const { base, gamma, power, minimum, start } = schedule;
  return Math.max(minimum, base * (1 + gamma * (start + step)) ** -power);
}

/** The angle at which {@link effectiveMargin} compares, about that of a half-trained sample; m θ stays below π for every m. */
const comparedAngle = (40 / 180) * Math.PI;

/**
 * The m of a pure A-Softmax that would give a sample at 40° the same logit as the blend of λ: 1 for λ = ∞, m for λ = 0.
 * λ = 5 and m = 4 give 1.53.
 */
export function effectiveMargin(m: number, lambda: number): number {
  const blend = (lambda * Math.cos(comparedAngle) + Math.cos(m * comparedAngle)) / (1 + lambda);
  return Math.acos(blend) / comparedAngle;
}
