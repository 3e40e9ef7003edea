// Softmax and its logarithm along an axis, computed without overflow.
import { lowerLogSoftmax } from '../lowering/softmax.js';
import { normalizeAxes, requireDType } from '../shapes.js';
import type { Op, Value } from '../value.js';
import { mul, sub } from './arithmetic.js';
import { exp } from './elementwise.js';
import { sum } from './reduction.js';

const softmaxOp: Op<{ axis: number }> = {
  name: 'softmax',
  infer: ([x]) => {
    requireDType('softmax', x, 'float32');
    return [x];
  },
  emit: (emitter, { inputs: [x], attributes: { axis }, outputs: [y] }) => {
    emitter.node('Softmax', [emitter.nameOf(x)], { attributes: { axis }, outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ attributes: { axis }, outputs: [y] }, [dy]) => {
    const weighted = mul(dy!, y);
    return [sub(weighted, mul(y, sum(weighted, { axes: [axis], keepDims: true })))];
  },
};

/** `e^x / Σ e^x` along an axis. */
export function softmax(x: Value, axis = -1): Value {
  return x.graph.apply(softmaxOp, [x], { axis: normalizeAxes('softmax', x, [axis])[0] })[0];
}

const logSoftmaxOp: Op<{ axis: number }> = {
  name: 'logSoftmax',
  infer: ([x]) => {
    requireDType('logSoftmax', x, 'float32');
    return [x];
  },
  emit: lowerLogSoftmax,
  gradient: ({ attributes: { axis }, outputs: [y] }, [dy]) => [
    sub(dy!, mul(exp(y), sum(dy!, { axes: [axis], keepDims: true }))),
  ],
};

/** `x − log Σ e^x` along an axis. */
export function logSoftmax(x: Value, axis = -1): Value {
  return x.graph.apply(logSoftmaxOp, [x], { axis: normalizeAxes('logSoftmax', x, [axis])[0] })[0];
}
