// Parametric ReLU (He et al., 2015): x where x > 0, slope · x elsewhere, one slope per channel.
import { lowerPrelu } from '../lowering/prelu.js';
import { requireDType, ShapeError } from '../shapes.js';
import type { Op, Value } from '../value.js';
import { minimum, mul, shift, sumTo } from './arithmetic.js';
import { negativeStep } from './comparison.js';
import { reshape } from './layout.js';

const preluOp: Op<Record<string, never>> = {
  name: 'prelu',
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
    const { graph } = x;
    const negative = minimum(x, graph.scalar(0));
    const less = reshape(shift(slope, -1), [slope.shape[0], ...x.shape.slice(2).map(() => 1)]);
    const factor = () => shift(mul(negativeStep(negative), less), 1);
    return [
      needed[0] ? mul(dy!, factor()) : undefined,
      needed[1] ? reshape(sumTo(mul(dy!, negative), [1, ...less.shape]), slope.shape) : undefined,
    ];
  },
};

/** PReLU with slopes [c] over x [n, c, …]; at x = 0 the gradient is 1. */
export function prelu(x: Value, slope: Value): Value {
  return x.graph.apply(preluOp, [x, slope], {})[0];
}
