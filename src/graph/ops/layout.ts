// Ops that move or repeat elements: reshape, flatten, transpose, expand, concat, slice, pad, cast; and those that change gradients alone.
import { normalizeAxes, broadcastShape, requireSameDType, sameShape, ShapeError } from '../shapes.js';
import { type DType, type Op, type Shape, sizeOf, type Value } from '../value.js';
import { mul, sumTo } from './arithmetic.js';
import { dataTypeOf } from '../onnx/data-type.js';

const reshapeOp: Op<{ shape: Shape }> = {
  name: 'reshape',
  half: 'elementwise',
  infer: ([x], { shape }) => {
    if (sizeOf(shape) !== x.size) throw new ShapeError('reshape', [x], `${x.size} elements, not [${shape.join(', ')}]`);
    return [{ dtype: x.dtype, shape }];
  },
  emit: (emitter, { inputs: [x], attributes: { shape }, outputs: [y] }) => {
    emitter.node('Reshape', [emitter.nameOf(x), emitter.ints(shape)], { outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ inputs: [x] }, [dy]) => [reshape(dy!, x.shape)],
};

/** The same elements in another shape. One dimension may be −1: it takes what is left. */
export function reshape(x: Value, shape: Shape): Value {
  const known = shape.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  const full = shape.map((dim) => (dim === -1 ? x.size / known : dim));
  if (sameShape(full, x.shape)) return x;
  return x.graph.apply(reshapeOp, [x], { shape: full })[0];
}

const flattenOp: Op<{ axis: number }> = {
  name: 'flatten',
  half: 'elementwise',
  infer: ([x], { axis }) => {
    if (!Number.isInteger(axis) || axis < 0 || axis > x.rank)
      throw new ShapeError('flatten', [x], `an axis from 0 to ${x.rank}, not ${axis}`);
    return [{ dtype: x.dtype, shape: [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))] }];
  },
  emit: (emitter, { inputs: [x], attributes: { axis }, outputs: [y] }) => {
    emitter.node('Flatten', [emitter.nameOf(x)], { attributes: { axis }, outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ inputs: [x] }, [dy]) => [reshape(dy!, x.shape)],
};

/** Rank 2: the axes before `axis` joined, and the others joined. Unlike `reshape` it works for any batch size at run time. */
export function flatten(x: Value, axis = 1): Value {
  return x.graph.apply(flattenOp, [x], { axis })[0];
}

const transposeOp: Op<{ order: readonly number[] }> = {
  name: 'transpose',
  half: 'elementwise',
  infer: ([x], { order }) => {
    if (order.length !== x.rank)
      throw new ShapeError('transpose', [x], `an order of ${x.rank} axes, got [${order.join(', ')}]`);
    normalizeAxes('transpose', x, order);
    return [{ dtype: x.dtype, shape: order.map((axis) => x.shape[axis]) }];
  },
  emit: (emitter, { inputs: [x], attributes: { order }, outputs: [y] }) => {
    emitter.node('Transpose', [emitter.nameOf(x)], { attributes: { perm: order }, outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ attributes: { order } }, [dy]) => [
    transpose(
      dy!,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
};

/** Axis i of the result is axis `order[i]` of x; reversed when no order is given. */
export function transpose(x: Value, order: readonly number[] = x.shape.map((_, i) => x.rank - 1 - i)): Value {
  return x.graph.apply(transposeOp, [x], { order: [...order] })[0];
}

const expandOp: Op<{ shape: Shape }> = {
  name: 'expand',
  infer: ([x], { shape }) => {
    const broadcast = broadcastShape(x.shape, shape);
    if (broadcast === undefined || !sameShape(broadcast, shape)) {
      throw new ShapeError('expand', [x], `a shape that broadcasts to [${shape.join(', ')}]`);
    }
    return [{ dtype: x.dtype, shape }];
  },
  emit: (emitter, { inputs: [x], attributes: { shape }, outputs: [y] }) => {
    emitter.node('Expand', [emitter.nameOf(x), emitter.ints(shape)], { outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ inputs: [x] }, [dy]) => [sumTo(dy!, x.shape)],
};

/** x repeated to a shape it broadcasts to. */
export function expand(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : x.graph.apply(expandOp, [x], { shape: [...shape] })[0];
}

const concatOp: Op<{ axis: number }> = {
  name: 'concat',
  infer: (inputs, { axis }) => {
    requireSameDType('concat', inputs);
    const [first] = inputs;
    const fits = inputs.every(
      (x) => x.rank === first.rank && x.shape.every((dim, i) => i === axis || dim === first.shape[i]),
    );
    if (!fits) throw new ShapeError('concat', inputs, `equal shapes but for axis ${axis}`);
    const total = inputs.reduce((length, x) => length + x.shape[axis], 0);
    return [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === axis ? total : dim)) }];
  },
  emit: (emitter, { inputs, attributes: { axis }, outputs: [y] }) => {
    emitter.node(
      'Concat',
      inputs.map((x) => emitter.nameOf(x)),
      { attributes: { axis }, outputs: [emitter.nameOf(y)] },
    );
  },
  gradient: ({ inputs, attributes: { axis } }, [dy]) => {
    let start = 0;
    return inputs.map((x) => slice(dy!, { axes: [axis], starts: [start], ends: [(start += x.shape[axis])] }));
  },
};

/** The inputs one after the other along an axis. */
export function concat(inputs: readonly Value[], axis: number): Value {
  const [normal] = normalizeAxes('concat', inputs[0], [axis]);
  return inputs.length === 1 ? inputs[0] : inputs[0].graph.apply(concatOp, inputs, { axis: normal })[0];
}

export interface SliceOptions {
  readonly axes: readonly number[];
  /** First index along each axis. */
  readonly starts: readonly number[];
  /** One past the last index along each axis. */
  readonly ends: readonly number[];
  /** Distance between the indices taken; 1 by default, always positive. */
  readonly steps?: readonly number[];
}

interface SliceAttributes extends Record<string, unknown> {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

const sliceOp: Op<SliceAttributes> = {
  name: 'slice',
  half: 'elementwise',
  infer: ([x], { axes, starts, ends, steps }) => {
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      if (starts[i] < 0 || ends[i] > x.shape[axis] || starts[i] >= ends[i] || steps[i] < 1) {
        throw new ShapeError('slice', [x], `a range within axis ${axis}, not ${starts[i]}…${ends[i]} by ${steps[i]}`);
      }
      shape[axis] = Math.ceil((ends[i] - starts[i]) / steps[i]);
    });
    return [{ dtype: x.dtype, shape }];
  },
  emit: (emitter, { inputs: [x], attributes: { axes, starts, ends, steps }, outputs: [y] }) => {
    const ranges = [starts, ends, axes, steps].map((values) => emitter.ints(values));
    emitter.node('Slice', [emitter.nameOf(x), ...ranges], { outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ inputs: [x], attributes: { axes, starts, steps } }, [dy]) => {
    // Zeros go between the elements taken (for steps above 1), then around them.
    let spread = dy!;
    const before = x.shape.map(() => 0);
    const after = x.shape.map(() => 0);
    axes.forEach((axis, i) => {
      spread = dilate(spread, axis, steps[i]);
      before[axis] = starts[i];
      after[axis] = x.shape[axis] - starts[i] - spread.shape[axis];
    });
    const crop = after.flatMap((count, axis) => (count < 0 ? [axis] : []));
    if (crop.length > 0) {
      spread = slice(spread, {
        axes: crop,
        starts: crop.map(() => 0),
        ends: crop.map((axis) => spread.shape[axis] + after[axis]),
      });
    }
    return [pad(spread, { before, after: after.map((count) => Math.max(count, 0)) })];
  },
};

/** A strided range of x along some axes. */
export function slice(x: Value, options: SliceOptions): Value {
  const { axes, starts, ends, steps = axes.map(() => 1) } = options;
  normalizeAxes('slice', x, axes);
  if ([starts, ends, steps].some(({ length }) => length !== axes.length))
    throw new ShapeError('slice', [x], `a start, an end and a step for each axis of [${axes.join(', ')}]`);
  const positive = axes.map((axis) => (axis < 0 ? axis + x.rank : axis));
  const whole = positive.every((axis, i) => starts[i] === 0 && ends[i] === x.shape[axis] && steps[i] === 1);
  return whole
    ? x
    : x.graph.apply(sliceOp, [x], { axes: positive, starts: [...starts], ends: [...ends], steps: [...steps] })[0];
}

/** Puts `step − 1` zeros after each element along an axis. */
function dilate(x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const split = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
  const zeros = split.map(() => 0);
  const padded = pad(reshape(x, split), { before: zeros, after: zeros.map((_, i) => (i === axis + 1 ? step - 1 : 0)) });
  return reshape(
    padded,
    x.shape.map((dim, i) => (i === axis ? dim * step : dim)),
  );
}

export interface PadOptions {
  /** Zeros to put before each axis. */
  readonly before: readonly number[];
  /** Zeros to put after each axis. */
  readonly after: readonly number[];
}

const padOp: Op<{ before: readonly number[]; after: readonly number[] }> = {
  name: 'pad',
  half: 'elementwise',
  infer: ([x], { before, after }) => {
    if (before.length !== x.rank || after.length !== x.rank || [...before, ...after].some((count) => count < 0)) {
      throw new ShapeError(
        'pad',
        [x],
        `${x.rank} non-negative counts before and after, got [${before.join(', ')}] and [${after.join(', ')}]`,
      );
    }
    return [{ dtype: x.dtype, shape: x.shape.map((dim, i) => before[i] + dim + after[i]) }];
  },
  emit: (emitter, { inputs: [x], attributes: { before, after }, outputs: [y] }) => {
    emitter.node('Pad', [emitter.nameOf(x), emitter.ints([...before, ...after])], { outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ inputs: [x], attributes: { before } }, [dy]) => [
    slice(dy!, { axes: x.shape.map((_, i) => i), starts: before, ends: x.shape.map((dim, i) => before[i] + dim) }),
  ],
};

/** x with zeros around it. */
export function pad(x: Value, { before, after }: PadOptions): Value {
  if ([...before, ...after].every((count) => count === 0)) return x;
  return x.graph.apply(padOp, [x], { before: [...before], after: [...after] })[0];
}

const castOp: Op<{ dtype: DType }> = {
  name: 'cast',
  infer: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  emit: (emitter, { inputs: [x], attributes: { dtype }, outputs: [y] }) => {
    emitter.node('Cast', [emitter.nameOf(x)], { attributes: { to: dataTypeOf(dtype) }, outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ inputs: [x] }, [dy]) =>
    x.dtype === 'float32' || x.dtype === 'float16' ? [cast(dy!, x.dtype)] : [undefined],
};

/** x in another dtype. Gradients pass between floating-point dtypes only. */
export function cast(x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : x.graph.apply(castOp, [x], { dtype })[0];
}

const stopGradientOp: Op<Record<string, never>> = {
  name: 'stopGradient',
  infer: ([x]) => [x],
  emit: (emitter, { inputs: [x], outputs: [y] }) => {
    emitter.node('Identity', [emitter.nameOf(x)], { outputs: [emitter.nameOf(y)] });
  },
  gradient: 'zero',
};

/** x, as if it were a constant for differentiation. */
export function stopGradient(x: Value): Value {
  return x.graph.apply(stopGradientOp, [x], {})[0];
}

const scaleGradientOp: Op<Record<string, never>> = {
  name: 'scaleGradient',
  infer: ([x, factor]) => {
    requireSameDType('scaleGradient', [x, factor]);
    if (factor.size !== 1) throw new ShapeError('scaleGradient', [x, factor], 'a factor of one element');
    return [x];
  },
  emit: (emitter, { inputs: [x], outputs: [y] }) => {
    emitter.node('Identity', [emitter.nameOf(x)], { outputs: [emitter.nameOf(y)] });
  },
  gradient: ({ inputs: [, factor] }, [dy]) => [mul(dy!, factor), undefined],
};

/** x itself, whose gradient is multiplied by a number as it passes. The number gets none. */
export function scaleGradient(x: Value, factor: Value): Value {
  return x.graph.apply(scaleGradientOp, [x, factor], {})[0];
}
