// SphereFace2 (Wen et al., ICLR 2022): every classifier is a binary one, so that nothing is normalised over classes.
import { z } from 'zod';
import {
  add,
  affine,
  mul,
  neg,
  pickLabel,
  pow,
  relu,
  replaceLabel,
  scale,
  shift,
  softplus,
  type Value,
} from '../../graph/index.js';
import { cosines } from '../angles.js';
import { summedClassification } from '../classification.js';
import type { MarginDescriptor } from './margin.js';

const positive = z.number().positive();

const schema = z.strictObject({
  type: z.literal('sphereface2').describe('SphereFace2: a binary classifier for each identity.'),
  balance: z.number().gt(0).lt(1).default(0.7).describe("λ: share of the positive pairs' term."),
  scale: positive.default(40).describe('r, the factor of the adjusted similarities.'),
  margin: z
    .number()
    .nonnegative()
    .default(0.4)
    .describe('Subtracted from the similarity at the label, added elsewhere.'),
  exponent: positive.default(3).describe('t of the similarity adjustment g(z) = 2 ((z + 1) / 2)^t − 1.'),
  weight: positive.default(10).describe('Factor of the whole loss.'),
});

export type SphereFace2Options = Omit<z.output<typeof schema>, 'type'>;

export const sphereFace2 = {
  type: 'sphereface2',
  schema,
  formulas: [{ label: 'binary, r (g(cos θ) − margin) + b', others: 'binary, r (g(cos θ) + margin) + b' }],
  features: 'unit',
  source: 'SphereFace2, ICLR 2022',
  unitClassifier: true,
  easing: 'lower loss.margin.margin or loss.margin.scale',
  parameters: (options, classes) => [
    { name: 'bias', shape: [1], start: sphereFace2Bias(classes, options), decayMultiplier: 0 },
  ],
  uninformedLoss(options, classes) {
    const { balance, scale: r, margin, exponent, weight } = options;
    const bias = sphereFace2Bias(classes, options);
    const similarity = 2 * 0.5 ** exponent - 1;
    const pull = softplusOf(-(r * (similarity - margin) + bias));
    const push = (classes - 1) * softplusOf(r * (similarity + margin) + bias);
    return (weight / r) * (balance * pull + (1 - balance) * push);
  },
  build(inputs, options) {
    const c = cosines(inputs);
    return summedClassification(sphereFace2Terms(c, inputs.labels, inputs.parameters.bias, options), c);
  },
} satisfies MarginDescriptor<typeof schema>;

/**
 * The loss of each image and class with an additive margin (type C), to be summed over classes and averaged over the batch:
 * weight/r · λ ln(1 + e^−(r (g(cos θ_y) − m) + b)) at the label, weight/r · (1 − λ) ln(1 + e^(r (g(cos θ_j) + m) + b)) elsewhere.
 * @param cosines [n, classes]; @param labels int64 [n]; @param bias b, trained, one number. @returns [n, classes].
 */
export function sphereFace2Terms(cosines: Value, labels: Value, bias: Value, options: SphereFace2Options): Value {
  const { balance, scale: r, margin, exponent, weight } = options;
  const target = pickLabel(cosines, labels);
  const adjusted = (z: Value) => affine(adjust(z, exponent), 2 * r, -r);
  const pull = softplus(neg(add(shift(adjusted(target), -r * margin), bias)));
  const push = softplus(add(shift(adjusted(cosines), r * margin), bias));
  const factor = weight / r;
  return replaceLabel(scale(push, factor * (1 - balance)), labels, scale(pull, factor * balance));
}

/** ((z + 1) / 2)^t; whole exponents by products, which rounding below z = −1 cannot turn into NaN. */
function adjust(z: Value, exponent: number): Value {
  const base = affine(z, 0.5, 0.5);
  if (!Number.isInteger(exponent)) return pow(shift(relu(base), 1e-12), z.graph.scalar(exponent));
  let power = base;
  for (let i = 1; i < exponent; i++) power = mul(power, base);
  return power;
}

/** The bias at which, for cosines of zero, positive and negative pairs pull equally. */
export function sphereFace2Bias(classes: number, options: SphereFace2Options): number {
  const { balance, scale: r, margin, exponent } = options;
  const similarity = 2 * 0.5 ** exponent - 1;
  const positive = r * (similarity - margin);
  const negative = r * (similarity + margin);
  const ratio = balance / ((1 - balance) * (classes - 1));
  // The positive root u = e^b of λ / (1 + e^p u) = (1 − λ)(classes − 1) e^n u / (1 + e^n u).
  const root = Math.hypot(1 - ratio, 2 * Math.sqrt(ratio) * Math.exp((positive - negative) / 2));
  // Of its two forms the one in which nothing cancels.
  if (ratio < 1) return Math.log(2 * ratio) - negative - Math.log(1 - ratio + root);
  return Math.log((ratio - 1 + root) / 2) - positive;
}

/** ln(1 + e^x), whatever x. */
const softplusOf = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
