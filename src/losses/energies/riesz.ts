// The Riesz energy of a classifier's rows, SphereFace+'s term (Liu et al., NeurIPS 2018), as a recipe states it.
import { z } from 'zod';
import { unitRows } from '../rows.js';
import type { DividedEnergy, EnergyDescriptor } from './energy.js';
import { distinctLabelEnergy, rieszEnergy, rieszShare } from './riesz-pairs.js';
import { weighted, weightSchema } from './weight.js';

/** The kernel, which the energy of hidden filters has in common. */
export const rieszKernelFields = {
  form: z.literal('riesz').describe("The paper's energy."),
  s: z.literal([0, 1, 2]).default(2).describe('Exponent of the Riesz kernel z^−s: 0 is −log z.'),
  on: z
    .enum(['distance', 'angle', 'radians'])
    .default('distance')
    .describe("z: distance ‖ŵ_i − ŵ_j‖; angle θ/π + 1e-4, the authors' code; radians θ, OpenSphere's."),
  space: z
    .enum(['full', 'half'])
    .default('full')
    .describe("half counts every row's opposite as well, the constant pair (ŵ, −ŵ) included."),
};

const schema = z.strictObject({
  ...rieszKernelFields,
  pairs: z
    .enum(['batch-all', 'batch', 'all'])
    .default('batch-all')
    .describe(
      "Which pairs: each image's row against all others (the paper's mini-batch form, Eq. 8), the distinct labels of the batch among themselves, or all rows.",
    ),
  weight: weightSchema.default({ type: 'constant', value: 1 }).describe('How strongly it acts.'),
});

export const riesz = {
  type: 'riesz',
  summary: "the mean over pairs of classifier rows of z^−s, the paper's minimum hyperspherical energy",
  schema,
  build(inputs, { pairs, weight, ...kernel }) {
    return weighted(rieszEnergy(inputs.classifier, inputs.labels, pairs, kernel), inputs, weight);
  },
  divided({ pairs, weight, ...kernel }): DividedEnergy {
    switch (pairs) {
      case 'batch-all':
        return { form: 'pairs', visitors: 'batch', weight, share: (inputs) => rieszShare(inputs, kernel) };
      case 'all':
        return { form: 'pairs', visitors: 'all', weight, share: (inputs) => rieszShare(inputs, kernel) };
      case 'batch':
        return {
          form: 'batch',
          weight,
          build({ own, labels }) {
            const loss = distinctLabelEnergy(unitRows(own), labels, kernel);
            return { value: loss, loss };
          },
        };
      default:
        return pairs satisfies never;
    }
  },
} satisfies EnergyDescriptor<typeof schema>;
