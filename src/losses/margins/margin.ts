// The classification loss of any margin, chosen by its type, in one form: features and classifier in, one number out.
import { matmul, scale, type Value } from '../../graph/index.js';
import { arcFaceLogits, type ArcFaceOptions } from './arcface.js';
import { aSoftmaxLogits, type ASoftmaxOptions } from './a-softmax.js';
import { cosines } from '../angles.js';
import { cosFaceLogits, type CosFaceOptions } from './cosface.js';
import { crossEntropy } from '../cross-entropy.js';
import { sphereFaceRLogits, type SphereFaceROptions } from './sphereface-r.js';
import { sphereFace2Bias, sphereFace2Loss, type SphereFace2Options } from './sphereface2.js';

/** What every classification loss is a function of. */
export interface ClassifierInputs {
  /** [n, d]: the embeddings of a batch. */
  readonly features: Value;
  /** [classes, d]: a row per identity. */
  readonly classifier: Value;
  /** int64 [n], 0 … classes − 1. */
  readonly labels: Value;
}

/** Scalars that some margins need besides. */
export interface MarginScalars {
  /** λ of this step, for `a-softmax`. */
  readonly lambda?: Value;
  /** The trained bias, for `sphereface2`. */
  readonly bias?: Value;
}

/** Which margin, with its constants. */
export type MarginOptions =
  | { readonly type: 'softmax' }
  | { readonly type: 'normalised-softmax'; readonly scale: number }
  | ({ readonly type: 'a-softmax' } & ASoftmaxOptions)
  | ({ readonly type: 'cosface' } & CosFaceOptions)
  | ({ readonly type: 'arcface' } & ArcFaceOptions)
  | ({ readonly type: 'sphereface-r'; readonly weight: number } & SphereFaceROptions)
  | ({ readonly type: 'sphereface2' } & SphereFace2Options);

/** A classification loss, and the scores by which the nearest classifier is found. */
export interface Classification {
  /** Mean over the batch. */
  readonly loss: Value;
  /** [n, classes]: scores without margin; in each row the largest is the nearest classifier's. */
  readonly scores: Value;
}

/** Whether a margin measures angles, so that the classifier's rows belong on the unit sphere. Plain softmax does not. */
export function hasUnitClassifier(type: MarginOptions['type']): boolean {
  return type !== 'softmax';
}

/** Builds the classification loss. */
export function classificationLoss(
  inputs: ClassifierInputs,
  { lambda, bias }: MarginScalars,
  options: MarginOptions,
): Classification {
  const { features, classifier, labels } = inputs;
  const fromLogits = (logits: Value, scores: Value) => ({ loss: crossEntropy(logits, labels), scores });
  switch (options.type) {
    case 'softmax': {
      const logits = matmul(features, classifier, { transposeB: true });
      return fromLogits(logits, logits);
    }
    case 'a-softmax': {
      const { logits, plain } = aSoftmaxLogits(inputs, required(lambda, 'lambda'), options);
      return fromLogits(logits, plain);
    }
    case 'normalised-softmax': {
      const c = cosines(inputs);
      return fromLogits(scale(c, options.scale), c);
    }
    case 'cosface': {
      const c = cosines(inputs);
      return fromLogits(cosFaceLogits(c, labels, options), c);
    }
    case 'arcface': {
      const c = cosines(inputs);
      return fromLogits(arcFaceLogits(c, labels, options), c);
    }
    case 'sphereface-r': {
      const c = cosines(inputs);
      const loss = crossEntropy(sphereFaceRLogits(c, labels, options), labels);
      return { loss: scale(loss, options.weight), scores: c };
    }
    case 'sphereface2': {
      const c = cosines(inputs);
      return { loss: sphereFace2Loss(c, labels, required(bias, 'bias'), options), scores: c };
    }
    default:
      return options satisfies never;
  }
}

function required(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new TypeError(`this margin needs the scalar "${name}"`);
  return value;
}

/**
 * The loss of a classifier that knows nothing, every cosine 0: what training starts at and must get below.
 * ln(classes) where no margin acts; more where one makes the target's score lower than the others'.
 */
export function uninformedLoss(options: MarginOptions, classes: number): number {
  const others = Math.log(classes - 1);
  /** −log softmax of a target whose logit is lower than the others' by `gap`. */
  const below = (gap: number) => Math.log1p(Math.exp(others + gap));
  switch (options.type) {
    case 'softmax':
    case 'normalised-softmax':
    case 'a-softmax':
      return below(0);
    case 'cosface':
      return below(options.scale * options.margin);
    case 'arcface':
      return below(options.scale * Math.sin(options.margin));
    case 'sphereface-r': {
      const right = Math.PI / 2;
      const gap =
        options.version === 'v1' ? -Math.cos(Math.min(options.m * right, Math.PI)) : Math.cos(right / options.m);
      return options.weight * below(options.scale * gap);
    }
    case 'sphereface2': {
      const { balance, scale: r, margin, exponent, weight } = options;
      const bias = sphereFace2Bias(classes, options);
      const similarity = 2 * 0.5 ** exponent - 1;
      const pull = Math.log1p(Math.exp(-(r * (similarity - margin) + bias)));
      const push = (classes - 1) * Math.log1p(Math.exp(r * (similarity + margin) + bias));
      return (weight / r) * (balance * pull + (1 - balance) * push);
    }
    default:
      return options satisfies never;
  }
}
