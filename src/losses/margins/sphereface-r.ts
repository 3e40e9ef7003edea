// SphereFace-R (Liu et al., "SphereFace Revived", TPAMI 2022): multiplicative margins for any real m ≥ 1, on normalised features.
import { cos, minimum, pickLabel, replaceLabel, scale, stopGradient, sub, add, type Value } from '../../graph/index.js';
import { angleOf } from '../angles.js';

export interface SphereFaceROptions {
  /** `v1`: the target's logit is cos(min(m θ, π)). `v2`: the others' are cos(θ / m). */
  readonly version: 'v1' | 'v2';
  /** s, the length that features are given. */
  readonly scale: number;
  readonly m: number;
  /** `exact`: the loss's own. `detached`: the margin's part is a constant (the paper's characteristic gradient detachment). */
  readonly gradient: 'exact' | 'detached';
}

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
