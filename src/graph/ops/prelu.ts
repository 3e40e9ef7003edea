// Parametric ReLU (He et al., 2015): x where x > 0, slope · x elsewhere, one slope per channel.
import { layoutOrder } from '../lowering/layout.js';
import { requireDType, ShapeError } from '../shapes.js';
import type { Op, Value } from '../value.js';
import { minimum, mul, shift, sumTo } from './arithmetic.js';
import { negativeStep } from './comparison.js';
import { constantOf } from './constant.js';
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
  // On the CPU the runtime's PRelu uses one thread; x + (slope − 1) · min(x, 0) uses all, in three passes over memory.
  emit: (emitter, { inputs: [x, slope], outputs: [y] }) => {
    const layout = emitter.layoutFor([x], y);
    const channelAxis = x.rank === 4 ? layoutOrder(layout).indexOf(1) : 1;
    const shape = emitter.ints([slope.shape[0], ...x.shape.slice(channelAxis + 1).map(() => 1)]);
    const [from, to] = [emitter.nameIn(x, layout), emitter.nameIn(y, layout)];
    if (emitter.target.device !== 'cpu') {
      emitter.node('PRelu', [from, emitter.node('Reshape', [emitter.nameOf(slope), shape])], { outputs: [to] });
      return;
    }
    const slopes = constantOf(slope)?.data;
    if (layout === 'standard' && x.rank === 4 && slopes instanceof Float32Array && slopes.every((s) => s <= 1)) {
      // Between convolutions with constant weights, which the runtime holds in its blocked layout, anything but a Conv would force it
      // out of it. Known slopes up to 1 make slope · x + relu((1 − slope) · x): two Convs of one weight per channel, two passes.
      const scaled = (factors: Float32Array): string => {
        const shape = [factors.length, 1, 1, 1];
        const weights = emitter.initializer({ data: factors, dtype: 'float32', shape }, emitter.fresh('slopes'));
        return emitter.node('Conv', [from, weights], { attributes: { group: factors.length, kernel_shape: [1, 1] } });
      };
      const above = emitter.node('Relu', [scaled(slopes.map((s) => 1 - s))]);
      emitter.node('Add', [scaled(slopes), above], { outputs: [to] });
      return;
    }
    const less = emitter.node('Reshape', [emitter.node('Sub', [emitter.nameOf(slope), emitter.float(1)]), shape]);
    const change = emitter.node('Mul', [emitter.node('Min', [from, emitter.float(0)]), less]);
    emitter.node('Add', [from, change], { outputs: [to] });
  },
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
