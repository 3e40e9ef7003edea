// CosFace (Wang et al., CVPR 2018; also AM-Softmax): s (cos θ − margin) at the label, s cos θ elsewhere.
import { z } from 'zod';
import { pickLabel, replaceLabel, scale, shift, type Value } from '../../graph/index.js';
import { cosines } from '../angles.js';
import { crossEntropyClassification } from '../class-loss.js';
import { uninformedCrossEntropy } from '../cross-entropy.js';
import type { MarginDescriptor } from './margin.js';
import { featureScale } from './options.js';

const schema = z.strictObject({
  type: z.literal('cosface').describe('CosFace: an additive margin on the cosine.'),
  scale: featureScale.default(30),
  margin: z.number().nonnegative().default(0.35).describe("Subtracted from the target's cosine."),
});

export type CosFaceOptions = Omit<z.output<typeof schema>, 'type'>;

export const cosFace = {
  type: 'cosface',
  schema,
  formulas: [{ label: 's (cos θ − margin)', others: 's cos θ' }],
  features: 'unit',
  source: 'CosFace, CVPR 2018',
  unitClassifier: true,
  easing: 'lower loss.margin.margin or loss.margin.scale',
  uninformedLoss: ({ scale: s, margin }, classes) => uninformedCrossEntropy(classes, s * margin),
  build(inputs, options) {
    const c = cosines(inputs);
    return crossEntropyClassification(cosFaceLogits(c, inputs.labels, options), inputs.labels, c);
  },
} satisfies MarginDescriptor<typeof schema>;

/** @param cosines [n, classes]; @param labels int64 [n]. @returns logits [n, classes]. */
export function cosFaceLogits(cosines: Value, labels: Value, options: CosFaceOptions): Value {
  const target = shift(pickLabel(cosines, labels), -options.margin);
  return scale(replaceLabel(cosines, labels, target), options.scale);
}
