// How strongly an energy acts: a constant factor, or one measured by the gradients at every step.
import { z } from 'zod';
import { div, gradients, mul, norm, scale, shift, type Value } from '../../graph/index.js';
import type { EnergyInputs, WeightedEnergy } from './energy.js';

const nonNegative = z.number().nonnegative();

export const weightSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('constant').describe('The same factor at every step.'),
    value: nonNegative.describe('Factor of the energy.'),
  }),
  z.strictObject({
    type: z.literal('auto').describe('A factor measured at every step.'),
    share: nonNegative.describe(
      "The energy's gradient on the classifier is this many times as long as the classification loss's.",
    ),
  }),
]);

export type EnergyWeight = z.output<typeof weightSchema>;

/** An energy, a single number that is a function of the classifier, with its weight. */
export function weighted(
  energy: Value,
  { classifier, classificationGradient }: EnergyInputs,
  options: EnergyWeight,
): WeightedEnergy {
  const [plain] = gradients(energy, [classifier]);
  const weight = weightOf(options, plain, classificationGradient);
  return { energy, weight, term: mul(energy, weight), gradient: mul(plain, weight) };
}

function weightOf(options: EnergyWeight, plain: Value, classificationGradient: Value): Value {
  switch (options.type) {
    case 'constant':
      return plain.graph.scalar(options.value);
    case 'auto':
      return div(scale(norm(classificationGradient), options.share), shift(norm(plain), 1e-20));
    default:
      return options satisfies never;
  }
}
