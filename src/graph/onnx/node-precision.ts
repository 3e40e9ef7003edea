// The precision that each node of a model takes, by what its op says, the target, and how its inputs were computed.
import type { NodePrecision } from '../lowering/precision.js';
import type { Target } from '../lowering/target.js';
import type { Node, Value } from '../value.js';

/** Everything in float32: what every node is for other targets, and most are for this one. */
export const fullPrecision: NodePrecision = { inputs: 'float32', outputs: 'float32' };

/** @param isHalf whether a value was computed in float16. */
export function precisionOf(
  { op: { half }, inputs, outputs: [result] }: Node,
  { precision = 'float32' }: Target,
  isHalf: (value: Value) => boolean,
): NodePrecision {
  if (half === undefined || precision === 'float32') return fullPrecision;
  switch (half) {
    case 'product':
      return { inputs: 'float16', outputs: 'float16' };
    case 'sum':
      return inputs.some(isHalf) ? { inputs: 'float16', outputs: 'float32' } : fullPrecision;
    case 'elementwise':
      return inputs.some((input) => input.size >= result.size && isHalf(input))
        ? { inputs: 'float16', outputs: 'float16' }
        : fullPrecision;
    default:
      return half satisfies never;
  }
}
