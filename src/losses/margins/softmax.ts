// Softmax: plain inner products, no margin and no sphere.
import { z } from 'zod';
import { matmul } from '../../graph/index.js';
import { crossEntropyClassification } from '../classification.js';
import { uninformedCrossEntropy } from '../cross-entropy.js';
import type { MarginDescriptor } from './margin.js';

const schema = z.strictObject({
  type: z.literal('softmax').describe('Softmax on plain inner products.'),
});

export const softmax = {
  type: 'softmax',
  schema,
  formulas: [{ label: 'x · w, W not normalised', others: 'x · w' }],
  features: 'as they are',
  source: 'common',
  unitClassifier: false,
  uninformedLoss: (_options, classes) => uninformedCrossEntropy(classes),
  build({ features, classifier, labels }) {
    const logits = matmul(features, classifier, { transposeB: true });
    return crossEntropyClassification(logits, labels, logits);
  },
} satisfies MarginDescriptor<typeof schema>;
