// Reductions over axes: sum, mean, max, min.
import { hasChannelSums, lowerChannelSum } from '../lowering/channel-sums.js';
import { type Layout, layoutOrder } from '../lowering/layout.js';
import { normalizeAxes, requireDType } from '../shapes.js';
import type { Op, Shape, Value } from '../value.js';
import { div, mul, scale } from './arithmetic.js';
import { equal } from './comparison.js';
import { expand, reshape } from './layout.js';

export interface ReduceOptions {
  /** Axes to reduce; all when absent. Negative axes count from the end. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with size 1; default false. */
  readonly keepDims?: boolean;
}

interface ReduceAttributes extends Record<string, unknown> {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return shape.flatMap((dim, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [dim]));
}

/** The layout to reduce in: the input's own, unless the axes that stay would come out in another order. */
function reducedIn(
  layout: Layout,
  axes: readonly number[],
  keepDims: boolean,
): { layout: Layout; order: readonly number[] } {
  const order = layoutOrder(layout);
  const left = order.filter((axis) => !axes.includes(axis));
  const inOrder =
    keepDims || (left.every((axis, i) => i === 0 || left[i - 1] < axis) && !(layout === 'tiled' && left.includes(3)));
  return inOrder ? { layout, order } : { layout: 'standard', order: layoutOrder('standard') };
}

/** `flow(x, y, dy)` gives the gradient of x; y and dy have size 1 along the reduced axes. */
function reduction(
  name: string,
  onnx: string,
  flow: (x: Value, y: Value, dy: Value) => Value,
): (x: Value, options?: ReduceOptions) => Value {
  const op: Op<ReduceAttributes> = {
    name,
    infer: ([x], { axes, keepDims }) => {
      requireDType(name, x, 'float32');
      return [{ dtype: x.dtype, shape: reducedShape(x.shape, axes, keepDims) }];
    },
    emit: (emitter, { inputs: [x], attributes: { axes, keepDims }, outputs: [y] }) => {
      const { layout, order } = reducedIn(emitter.layoutFor([x], x), axes, keepDims);
      const there = layout === 'standard' ? axes : axes.map((axis) => order.indexOf(axis)).sort((p, q) => p - q);
      const keepdims = keepDims ? 1 : 0;
      const from = emitter.nameIn(x, layout);
      const outputs = [emitter.nameIn(y, keepDims ? layout : 'standard')];
      if (onnx === 'ReduceSum' && axes.join() === '0,2,3' && hasChannelSums(emitter, x, layout)) {
        lowerChannelSum(emitter, x, { picture: from, layout }, { attributes: { keepdims }, outputs });
        return;
      }
      // Operator set 17 takes the axes of ReduceSum as an input and those of the other reductions as an attribute.
      if (onnx === 'ReduceSum') emitter.node(onnx, [from, emitter.ints(there)], { attributes: { keepdims }, outputs });
      else emitter.node(onnx, [from], { attributes: { axes: there, keepdims }, outputs });
    },
    gradient: ({ inputs: [x], attributes: { axes }, outputs: [y] }, [dy]) => {
      const kept = reducedShape(x.shape, axes, true);
      return [flow(x, reshape(y, kept), reshape(dy!, kept))];
    },
  };
  return (x, { axes = x.shape.map((_, i) => i), keepDims = false } = {}) => {
    const normal = normalizeAxes(name, x, axes);
    if (normal.length === 0) return x;
    return x.graph.apply(op, [x], { axes: normal, keepDims })[0];
  };
}

/** Gradient of a selection: shared equally among the elements that attain it. */
function toAttaining(x: Value, y: Value, dy: Value): Value {
  const attains = equal(x, y);
  const axes = x.shape.flatMap((dim, i) => (dim !== y.shape[i] ? [i] : []));
  return mul(attains, div(dy, sum(attains, { axes, keepDims: true })));
}

/** Sum over axes. */
export const sum = reduction('sum', 'ReduceSum', (x, _, dy) => expand(dy, x.shape));

/** Arithmetic mean over axes. */
export const mean = reduction('mean', 'ReduceMean', (x, y, dy) => expand(scale(dy, y.size / x.size), x.shape));

/** Largest element over axes; the gradient is shared equally among equals. */
export const reduceMax = reduction('reduceMax', 'ReduceMax', toAttaining);

/** Smallest element over axes; the gradient is shared equally among equals. */
export const reduceMin = reduction('reduceMin', 'ReduceMin', toAttaining);
