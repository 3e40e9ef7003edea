// An energy as a user writes one: the mean squared cosine between the classifier's rows.
import { z } from 'zod';
import { matmul, mean, square } from '../../graph/index.js';
import { type EnergyDescriptor, unitRows, weighted, weightSchema } from '../../losses/index.js';

const schema = z.strictObject({
  form: z.literal('orthogonality').describe('Squared cosines between rows.'),
  weight: weightSchema.default({ type: 'constant', value: 1 }).describe('How strongly it acts.'),
});

export const orthogonality = {
  type: 'orthogonality',
  summary: 'the mean squared cosine between rows',
  schema,
  build(inputs, { weight }) {
    const rows = unitRows(inputs.classifier);
    return weighted(mean(square(matmul(rows, rows, { transposeB: true }))), inputs, weight);
  },
} satisfies EnergyDescriptor<typeof schema>;
