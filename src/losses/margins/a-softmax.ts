// A-Softmax, the angular margin of SphereFace (Liu et al., CVPR 2017): the target's angle is multiplied by m, blended in by λ.
import { z } from 'zod';
import {
  abs,
  add,
  affine,
  clip,
  div,
  gather,
  matmul,
  mul,
  pickLabel,
  replaceLabel,
  reshape,
  scale,
  shift,
  sign,
  sqrt,
  square,
  stopGradient,
  sub,
  type Value,
} from '../../graph/index.js';
import { crossEntropyClassification } from '../class-loss.js';
import { uninformedCrossEntropy } from '../cross-entropy.js';
import { rowDots, rowNorms, unitRows, unitRowsStraightThrough, withGradientOf } from '../rows.js';
import { annealedLambda, effectiveMargin, lambdaSchema } from './lambda.js';
import type { ClassifierInputs, MarginDescriptor } from './margin.js';

const schema = z.strictObject({
  type: z.literal('a-softmax').describe('A-Softmax: the angular margin of SphereFace.'),
  m: z.literal([1, 2, 3, 4]).default(4).describe("The multiple of the target's angle; 1 is no margin."),
  gradient: z
    .enum(['exact', 'caffe'])
    .default('exact')
    .describe(
      "exact: the loss's own. caffe: the released layer's, which normalises coefficients and ignores the margin on the classifier.",
    ),
  lambda: lambdaSchema.prefault({}).describe("The weight of the plain logit against the margin's."),
});

export const aSoftmax = {
  type: 'a-softmax',
  schema,
  formulas: [{ label: '|x| (λ cos θ + ψ(θ)) / (1 + λ)', others: '|x| cos θ' }],
  features: 'as they are',
  source: 'SphereFace, CVPR 2017',
  unitClassifier: true,
  columns: {
    lambda: 'λ of the blend',
    effectiveMargin: 'the m of a pure A-Softmax that would give a sample at 40° the same logit',
  },
  easing:
    'let λ fall more slowly (loss.margin.lambda.gamma) or less far (.minimum), or start from a model of smaller m with --init',
  scalars: ({ m, lambda }) =>
    m === 1 ? [] : [{ name: 'lambda', symbol: 'λ', at: (step) => annealedLambda(lambda, step) }],
  log({ m, lambda }, step): Readonly<Record<string, number>> {
    if (m === 1) return {};
    const now = annealedLambda(lambda, step);
    return { lambda: now, effectiveMargin: effectiveMargin(m, now) };
  },
  uninformedLoss: (_options, classes) => uninformedCrossEntropy(classes),
  build(inputs, options) {
    const { logits, plain } = aSoftmaxLogits(inputs, inputs.scalars.lambda, options);
    return crossEntropyClassification(logits, inputs.labels, plain);
  },
} satisfies MarginDescriptor<typeof schema>;

/** The multiples that have a polynomial form. */
export type AngularMultiple = 1 | 2 | 3 | 4;

export interface ASoftmaxOptions {
  readonly m: AngularMultiple;
  /**
   * `exact`: the loss's own gradient. `caffe`: the released MarginInnerProduct layer's, in which the classifier's gradient ignores
   * both margin and normalisation, and the feature's has its two coefficients scaled to length one (of mixed units: it jumps near
   * the break angles kπ/m).
   */
  readonly gradient: 'exact' | 'caffe';
}

/** ψ as a polynomial in c = cos θ, times signs that are constant between break angles. */
interface Psi {
  /** ψ(θ) = (−1)^k cos mθ − 2k for θ in [kπ/m, (k+1)π/m]. */
  readonly value: Value;
  /** The released layer's coefficients: d(|x|ψ)/dx = `onWeight` · ŵ + `onFeature` · x / |x|. */
  readonly onWeight: Value;
  readonly onFeature: Value;
}

/**
 * ψ(θ) of cos θ. Monotone in θ, continuous, and with a continuous derivative: at the break angles both pieces have slope zero,
 * so that sign(0) = 0 there still gives the right value and slope.
 * @param c cosines in [−1, 1], any shape.
 */
export function psi(c: Value, m: AngularMultiple): Value {
  return psiParts(c, m).value;
}

function psiParts(c: Value, m: AngularMultiple): Psi {
  const c2 = square(c);
  const s0 = stopGradient(sign(c));
  switch (m) {
    case 1:
      return {
        value: c,
        onWeight: c.graph.constant(new Float32Array(c.size).fill(1), c.shape),
        onFeature: scale(c, 0),
      };
    case 2: {
      const value = shift(scale(mul(s0, c2), 2), -1);
      return { value, onWeight: scale(mul(s0, c), 4), onFeature: affine(mul(s0, c2), -2, -1) };
    }
    case 3: {
      const s1 = stopGradient(sign(shift(abs(c), -0.5)));
      const s2 = shift(mul(s0, shift(s1, 1)), -2);
      const cubed = mul(c2, c);
      const value = add(mul(s1, sub(scale(cubed, 4), scale(c, 3))), s2);
      return {
        value,
        onWeight: mul(s1, affine(c2, 12, -3)),
        onFeature: sub(s2, scale(mul(s1, cubed), 8)),
      };
    }
    case 4: {
      const s3 = mul(s0, stopGradient(sign(affine(c2, 2, -1))));
      const s4 = shift(add(scale(s0, 2), s3), -3);
      const c4 = square(c2);
      const value = add(mul(s3, shift(sub(scale(c4, 8), scale(c2, 8)), 1)), s4);
      return {
        value,
        onWeight: mul(s3, sub(scale(mul(c2, c), 32), scale(c, 16))),
        onFeature: sub(s4, mul(s3, shift(sub(scale(c4, 24), scale(c2, 8)), -1))),
      };
    }
    default:
      return m satisfies never;
  }
}

/**
 * The logits of A-Softmax: x · ŵ_j, and at the label (λ |x| cos θ + |x| ψ(θ)) / (1 + λ). Features are not normalised.
 * @param lambda a single number; for m = 1 it is not looked at.
 * @returns [n, classes] and the plain logits before the margin.
 */
export function aSoftmaxLogits(
  { features, classifier, labels }: ClassifierInputs,
  lambda: Value,
  { m, gradient }: ASoftmaxOptions,
): { readonly logits: Value; readonly plain: Value } {
  const exact = gradient === 'exact';
  const weights = exact ? unitRows(classifier) : unitRowsStraightThrough(classifier);
  const plain = matmul(features, weights, { transposeB: true });
  if (m === 1) return { logits: plain, plain };
  const target = pickLabel(plain, labels);
  const norms = reshape(rowNorms(features), target.shape);
  const cosines = clip(div(target, norms), -1, 1);
  const parts = psiParts(cosines, m);
  const share = shift(lambda, 1);
  const blended = div(add(mul(lambda, target), mul(norms, parts.value)), share);
  if (exact) return { logits: replaceLabel(plain, labels, blended), plain };

  // The released backward at the label: (a ŵ + b x) / (1 + λ) + λ / (1 + λ) ŵ for the feature, and plain x for the classifier.
  // A `shadow` whose gradient is just that lends it to the blended value; `target` itself already brings the ŵ and the x.
  const a = parts.onWeight;
  const b = div(parts.onFeature, norms);
  const length = sqrt(add(square(a), square(b)));
  const column = (x: Value) => reshape(x, [x.size, 1]);
  const rows = stopGradient(gather(weights, labels));
  const pull = add(mul(column(div(a, length)), rows), mul(column(div(b, length)), features));
  const excess = stopGradient(div(sub(pull, rows), share));
  const shadow = add(target, rowDots(features, excess));
  return { logits: replaceLabel(plain, labels, withGradientOf(blended, shadow)), plain };
}
