// What a run remembers of its measurements on people it is not trained on: where it began, and its best state.
import { z } from 'zod';
import type { Recipe } from './recipe.js';

const rate = z.number().min(0).max(1);

const measurementSchema = z.strictObject({
  /** Optimizer steps done. */
  iteration: z.int().nonnegative(),
  /** Share of the pairs that the best threshold decides rightly. */
  accuracy: rate,
  /** True-accept rate at a false-accept rate of 1 %. */
  tar: rate,
  /** Area under the ROC. */
  auc: rate,
});

/** One measurement, of plain cosines without mirrored images. */
export type Measurement = z.output<typeof measurementSchema>;

export const validationStateSchema = z.strictObject({
  /** Before the first step. */
  start: measurementSchema,
  best: measurementSchema,
  /** Measurements since the best one. */
  worse: z.int().nonnegative(),
});

/** What a run has to remember of its measurements. */
export type ValidationState = z.output<typeof validationStateSchema>;

export type ValidationRecipe = NonNullable<Recipe['validation']>;

/** The state after one more measurement. Of equally good ones the first is the best: it has moved the least. */
export function judged(
  state: ValidationState | undefined,
  now: Measurement,
  { measure }: ValidationRecipe,
): ValidationState {
  if (state === undefined) return { start: now, best: now, worse: 0 };
  return now[measure] > state.best[measure] ? { ...state, best: now, worse: 0 } : { ...state, worse: state.worse + 1 };
}
