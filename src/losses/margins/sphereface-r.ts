// SphereFace-R (Liu et al., "SphereFace Revived", TPAMI 2022): multiplicative margins for any real m ≥ 1, on normalised features.
import { z } from 'zod';
import { add, cos, minimum, pickLabel, replaceLabel, scale, stopGradient, sub, type Value } from '../../graph/index.js';
import { angleOf, cosines } from '../angles.js';
import { crossEntropyClassification } from '../class-loss.js';
import { uninformedCrossEntropy } from '../cross-entropy.js';
import type { MarginDescriptor } from './margin.js';
import { featureScale } from './options.js';

const schema = z.strictObject({
  type: z.literal('sphereface-r').describe('SphereFace-R: a multiplicative margin for any m, on unit features.'),
  version: z
    .enum(['v1', 'v2'])
    .default('v2')
    .describe("v1: the target's logit is cos(min(m θ, π)). v2: the others' are cos(θ / m)."),
  scale: featureScale.default(30),
  m: z.number().min(1).default(1.5).describe('The multiple of the angle.'),
  gradient: z
    .enum(['exact', 'detached'])
    .default('exact')
    .describe("exact: the loss's own. detached: the margin's part of the logit is a constant to differentiation."),
  weight: z.number().positive().default(1).describe('Factor of the loss; OpenSphere uses 50 / scale.'),
});

/** `detached` is the paper's characteristic gradient detachment. */
export type SphereFaceROptions = Omit<z.output<typeof schema>, 'type' | 'weight'>;

export const sphereFaceR = {
  type: 'sphereface-r',
  schema,
  formulas: [
    { variant: 'v1', label: 's cos(min(m θ, π))', others: 's cos θ' },
    { variant: 'v2', label: 's cos θ', others: 's cos(θ / m)' },
  ],
  features: 'unit',
  source: 'SphereFace Revived, TPAMI 2022',
  unitClassifier: true,
  easing: 'lower loss.margin.m or loss.margin.scale',
  uninformedLoss({ version, m, scale: s, weight }, classes) {
    const right = Math.PI / 2;
    const gap = version === 'v1' ? -Math.cos(Math.min(m * right, Math.PI)) : Math.cos(right / m);
    return weight * uninformedCrossEntropy(classes, s * gap);
  },
  build(inputs, options) {
    const c = cosines(inputs);
    const logits = sphereFaceRLogits(c, inputs.labels, options);
    return crossEntropyClassification(logits, inputs.labels, c, options.weight);
  },
} satisfies MarginDescriptor<typeof schema>;

/** @param cosines [n, classes]; @param labels int64 [n]. @returns logits [n, classes]. */
export function sphereFaceRLogits(cosines: Value, labels: Value, options: SphereFaceROptions): Value {
  const withMargin = marginCosines(cosines, labels, options);
  const logits = options.gradient === 'exact' ? withMargin : add(cosines, stopGradient(sub(withMargin, cosines)));
  return scale(logits, options.scale);
}

function marginCosines(cosines: Value, labels: Value, { version, m }: SphereFaceROptions): Value {
  const target = pickLabel(cosines, labels);
  switch (version) {
    case 'v1': {
      const turned = minimum(scale(angleOf(target), m), cosines.graph.scalar(Math.PI));
      return replaceLabel(cosines, labels, cos(turned));
    }
    case 'v2':
      return replaceLabel(cos(scale(angleOf(cosines), 1 / m)), labels, target);
    default:
      return version satisfies never;
  }
}
