// How strongly an energy acts, as a recipe states it: a constant factor, or one measured by the gradients at every step.
import { z } from 'zod';

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
