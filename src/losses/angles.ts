// Cosines between features and classifiers, and angles from cosines without the infinite slope at ±1.
import { acos, clip, matmul, type Value } from '../graph/index.js';
import type { ClassifierInputs } from './margins/margin.js';
import { unitRows } from './rows.js';

/** cos θ between every feature and every classifier: [n, classes]. Both sides are normalised. */
export function cosines({ features, classifier }: ClassifierInputs): Value {
  return matmul(unitRows(features), unitRows(classifier), { transposeB: true });
}

/** acos has an infinite slope at ±1; angles are taken of cosines clipped to this. 1 − 1e-5 is 0.26°, as in OpenSphere. */
const largestCosine = 1 - 1e-5;

/** θ = acos c in radians, for c clipped to ±(1 − 1e-5): within 0.26° of 0 and π the gradient is zero. */
export function angleOf(c: Value): Value {
  return acos(clip(c, -largestCosine, largestCosine));
}
