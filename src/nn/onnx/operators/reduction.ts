// Reductions over axes.
import { abs, mean, reduceMax, reduceMin, sum, square, type ReduceOptions, type Value } from '../../../graph/index.js';
import type { Operator } from '../operand.js';
import { reducedAxes } from '../shape-rules.js';
import { lengthOf } from './normalization.js';

const reduction =
  (f: (x: Value, options: Required<ReduceOptions>) => Value): Operator =>
  (call) => {
    const x = call.value(0);
    const axes = reducedAxes(call, x.rank);
    return [axes === undefined ? x : f(x, { axes, keepDims: call.attributes.int('keepdims', 1) !== 0 })];
  };

export const reductions: Readonly<Record<string, Operator>> = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(reduceMax),
  ReduceMin: reduction(reduceMin),
  ReduceL1: reduction((x, options) => sum(abs(x), options)),
  ReduceL2: reduction((x, { axes, keepDims }) => lengthOf(x, axes, keepDims)),
  ReduceSumSquare: reduction((x, options) => sum(square(x), options)),
};
