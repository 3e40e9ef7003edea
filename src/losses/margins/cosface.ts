// CosFace (Wang et al., CVPR 2018; also AM-Softmax): s (cos θ − margin) at the label, s cos θ elsewhere.
import { pickLabel, replaceLabel, scale, shift, type Value } from '../../graph/index.js';

export interface CosFaceOptions {
  /** s, the length that features are given. */
  readonly scale: number;
  /** Subtracted from the target's cosine. */
  readonly margin: number;
}

/** @param cosines [n, classes]; @param labels int64 [n]. @returns logits [n, classes]. */
export function cosFaceLogits(cosines: Value, labels: Value, options: CosFaceOptions): Value {
  const target = shift(pickLabel(cosines, labels), -options.margin);
  return scale(replaceLabel(cosines, labels, target), options.scale);
}
