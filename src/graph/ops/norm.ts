// The Euclidean length of everything in a tensor, in one pass over it.
import { lowerNorm } from '../lowering/norm.js';
import { requireDType } from '../shapes.js';
import type { Op, Value } from '../value.js';
import { div, maximum, mul } from './arithmetic.js';

const normOp: Op<Record<string, never>> = {
  name: 'norm',
  infer: ([x]) => {
    requireDType('norm', x, 'float32');
    return [{ dtype: x.dtype, shape: [] }];
  },
  // The order of the axes does not matter: whatever layout the value lies in is read as it is.
  emit: (emitter, { inputs: [x], outputs: [y] }) => {
    const from = emitter.nameIn(x, emitter.layoutFor([x], x));
    lowerNorm(emitter, x, from, emitter.nameOf(y));
  },
  gradient: ({ inputs: [x], outputs: [y] }, [dy]) => [mul(x, div(dy!, maximum(y, x.graph.scalar(smallest))))],
};

/** Below this length the gradient is cut, so that at the origin, where there is none, it is zero. */
const smallest = 1e-30;

/**
 * Euclidean length of all elements of x: a scalar. NaN and infinity carry through; the sum of squares is a float32, so that
 * lengths above 1.8e19 come out infinite.
 */
export function norm(x: Value): Value {
  return x.graph.apply(normOp, [x], {})[0];
}
