// The classification loss of any margin, chosen by its type, in one form: features and classifier in, one number out.
import { matmul, scale, type Value } from '../graph/index.js';
import { arcFaceLogits, type ArcFaceOptions } from './arcface.js';
import { aSoftmaxLogits, type ASoftmaxOptions } from './a-softmax.js';
import { cosines } from './angles.js';
import { cosFaceLogits, type CosFaceOptions } from './cosface.js';
import { crossEntropy } from './cross-entropy.js';
import { sphereFaceRLogits, type SphereFaceROptions } from './sphereface-r.js';
import { sphereFace2Loss, type SphereFace2Options } from './sphereface2.js';

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
