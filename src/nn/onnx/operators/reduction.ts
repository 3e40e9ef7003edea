// Reductions over axes.
import { abs, mean, reduceMax, reduceMin, sum, square, type ReduceOptions, type Value } from '../../../graph/index.js';
import { axisOf } from '../known.js';
import type { Operator } from '../operand.js';
import { lengthOf } from './normalization.js';

/** Axes are an input from opset 18 on (13 for ReduceSum), an attribute before; without any all are reduced. */
const reduction =
  (f: (x: Value, options: Required<ReduceOptions>) => Value): Operator =>
  (call) => {
    const x = call.value(0);
    const { attributes } = call;
    const given = call.optional(1) ?? attributes.ints('axes', undefined);
    const none = given === undefined || given.length === 0;
    if (none && attributes.int('noop_with_empty_axes', 0) !== 0) return [x];
    const axes = none ? x.shape.map((_, axis) => axis) : given.map((axis) => axisOf(axis, x.rank));
    return [f(x, { axes, keepDims: attributes.int('keepdims', 1) !== 0 })];
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
