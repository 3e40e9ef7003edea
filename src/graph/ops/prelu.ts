// Parametric ReLU (He et al., 2015): x where x > 0, slope · x elsewhere, one slope per channel.
import { lowerPrelu } from '../lowering/prelu.js';
import { requireDType, ShapeError } from '../shapes.js';
import type { Op, Value } from '../value.js';
import { mul, shift } from './arithmetic.js';
import { negativePart } from './elementwise.js';
import { channelAffine, channelDot } from './channels.js';
import { negativeStep } from './comparison.js';

const preluOp: Op<Record<string, never>> = {
  name: 'prelu',
  half: 'elementwise',
  infer: ([x, slope]) => {
    requireDType('prelu', x, 'float32');
    if (x.rank < 2 || slope.rank !== 1 || slope.shape[0] !== x.shape[1]) {
      throw new ShapeError('prelu', [x, slope], 'x [n, c, …] and slopes [c]');
    }
    return [x];
  },
  emit: lowerPrelu,
  // Everything comes from the negative part, so that this one tensor is all that is kept for the backward pass.
  gradient: ({ inputs: [x, slope] }, [dy], needed) => {
    const negative = negativePart(x);
    const one = x.graph.constant(new Float32Array(slope.size).fill(1), slope.shape);
    return [
      needed[0] ? mul(dy!, channelAffine(negativeStep(negative), shift(slope, -1), one)) : undefined,
      needed[1] ? channelDot(dy!, negative) : undefined,
    ];
  },
};

/** PReLU with slopes [c] over x [n, c, …]; at x = 0 the gradient is 1. */
export function prelu(x: Value, slope: Value): Value {
  return x.graph.apply(preluOp, [x, slope], {})[0];
}
