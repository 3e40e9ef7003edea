// ArcFace (Deng et al., CVPR 2019): s cos(θ + margin) at the label, s cos θ elsewhere.
import { z } from 'zod';
import {
  add,
  clip,
  greater,
  mul,
  pickLabel,
  replaceLabel,
  scale,
  shift,
  sqrt,
  square,
  sub,
  type Value,
} from '../../graph/index.js';
import { cosines } from '../angles.js';
import { crossEntropyClassification } from '../class-loss.js';
import { uninformedCrossEntropy } from '../cross-entropy.js';
import type { MarginDescriptor } from './margin.js';
import { featureScale } from './options.js';

const schema = z.strictObject({
  type: z.literal('arcface').describe('ArcFace: an additive margin on the angle.'),
  scale: featureScale.default(30),
  margin: z.number().nonnegative().default(0.5).describe("Added to the target's angle, radians."),
});

export type ArcFaceOptions = Omit<z.output<typeof schema>, 'type'>;

export const arcFace = {
  type: 'arcface',
  schema,
  formulas: [{ label: 's cos(θ + margin)', others: 's cos θ' }],
  features: 'unit',
  source: 'ArcFace, CVPR 2019',
  unitClassifier: true,
  easing: 'lower loss.margin.margin or loss.margin.scale',
  uninformedLoss: ({ scale: s, margin }, classes) => uninformedCrossEntropy(classes, s * Math.sin(margin)),
  build(inputs, options) {
    const c = cosines(inputs);
    return crossEntropyClassification(arcFaceLogits(c, inputs.labels, options), inputs.labels, c);
  },
} satisfies MarginDescriptor<typeof schema>;

/** Cosines are clipped to this, where sin θ = sqrt(1 − cos² θ) still has a moderate slope. */
const largestCosine = 1 - 1e-6;

/**
 * Where θ + margin would pass π the cosine turns upwards again; there the target is cos θ − margin · sin(margin), as in the
 * authors' code: still decreasing in θ (with a small step down at the seam).
 * @param cosines [n, classes]; @param labels int64 [n]. @returns logits [n, classes].
 */
export function arcFaceLogits(cosines: Value, labels: Value, { scale: s, margin }: ArcFaceOptions): Value {
  const c = clip(pickLabel(cosines, labels), -largestCosine, largestCosine);
  const sine = sqrt(sub(c.graph.scalar(1), square(c)));
  const turned = sub(scale(c, Math.cos(margin)), scale(sine, Math.sin(margin)));
  const beyond = shift(c, -margin * Math.sin(margin));
  const within = greater(c, c.graph.scalar(Math.cos(Math.PI - margin)));
  const target = add(mul(within, turned), mul(sub(c.graph.scalar(1), within), beyond));
  return scale(replaceLabel(cosines, labels, target), s);
}
