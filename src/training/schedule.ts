// What changes with the optimizer step: the learning rate and the margin's λ. Pure functions of the step, so that a resumed run agrees.
import type { LambdaSchedule, LearningRateSchedule, Recipe } from './recipe.js';

/**
 * The learning rate of a step.
 * @param step 1-based count of optimizer steps: Caffe's `iter_` + 1. A multistep change at `steps[i]` first acts on step `steps[i]` + 1.
 */
export function learningRate(solver: Recipe['solver'], step: number): number {
  const done = step - 1;
  const rate = solver.baseLearningRate * decay(solver.schedule, done, solver.iterations);
  const { iterations, start } = solver.warmUp;
  return done < iterations ? rate * (start + ((1 - start) * step) / iterations) : rate;
}

/** Whether a schedule stretches over the whole run, so that another number of iterations changes the rate of every step. */
export function spansRun(schedule: LearningRateSchedule): boolean {
  switch (schedule.type) {
    case 'constant':
    case 'multistep':
      return false;
    case 'cosine':
    case 'polynomial':
      return true;
    default:
      return schedule satisfies never;
  }
}

function decay(schedule: LearningRateSchedule, done: number, iterations: number): number {
  switch (schedule.type) {
    case 'constant':
      return 1;
    case 'multistep':
      return schedule.gamma ** schedule.steps.filter((at) => done >= at).length;
    case 'cosine': {
      const progress = Math.min(done / iterations, 1);
      return schedule.final + ((1 - schedule.final) * (1 + Math.cos(Math.PI * progress))) / 2;
    }
    case 'polynomial':
      return Math.max(1 - done / iterations, 0) ** schedule.power;
    default:
      return schedule satisfies never;
  }
}

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
