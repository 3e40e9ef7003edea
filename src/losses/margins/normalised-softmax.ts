// Softmax on cosines: features and classifier on the sphere, no margin (Wang et al., "NormFace", ACM Multimedia 2017).
import { z } from 'zod';
import { scale } from '../../graph/index.js';
import { cosines } from '../angles.js';
import { crossEntropyClassification } from '../class-loss.js';
import { uninformedCrossEntropy } from '../cross-entropy.js';
import type { MarginDescriptor } from './margin.js';
import { featureScale } from './options.js';

const schema = z.strictObject({
  type: z.literal('normalised-softmax').describe('Softmax on cosines, without a margin.'),
  scale: featureScale.default(30),
});

export const normalisedSoftmax = {
  type: 'normalised-softmax',
  schema,
  formulas: [{ label: 's cos θ', others: 's cos θ' }],
  features: 'unit',
  source: 'NormFace, ACM Multimedia 2017',
  unitClassifier: true,
  uninformedLoss: (_options, classes) => uninformedCrossEntropy(classes),
  build(inputs, options) {
    const c = cosines(inputs);
    return crossEntropyClassification(scale(c, options.scale), inputs.labels, c);
  },
} satisfies MarginDescriptor<typeof schema>;
