// The learning rate, a pure function of the optimizer step, so that a resumed run agrees.
import type { Recipe } from './recipe.js';
import type { LearningRateSchedule } from './recipe-sections.js';

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

/** The learning rate of the backbone in a step, relative to that of the classifier. */
export function backboneShare({ backbone }: Recipe['solver'], step: number): number {
  return step <= backbone.wait ? 0 : backbone.rate;
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
