// Reading and adding at indices: gather, gatherElements, scatterAdd (rows) and scatterAddElements.
import { lowerScatterAdd } from '../lowering/scatter.js';
import { normalizeAxes, requireDType, requireRank, sameShape, ShapeError } from '../shapes.js';
import { type Op, type Shape, sizeOf, type Value } from '../value.js';
import { mul, sub } from './arithmetic.js';
import { equal } from './comparison.js';
import { cast, reshape } from './layout.js';

const gatherOp: Op<Record<string, never>> = {
  name: 'gather',
  infer: ([x, indices]) => {
    requireDType('gather', indices, 'int64', 'int32');
    if (x.rank < 1) throw new ShapeError('gather', [x, indices], 'a table with at least one axis');
    return [{ dtype: x.dtype, shape: [...indices.shape, ...x.shape.slice(1)] }];
  },
  emit: (emitter, { inputs: [x, indices], outputs: [y] }) => {
    emitter.node('Gather', [emitter.nameOf(x), emitter.nameOf(indices)], {
      attributes: { axis: 0 },
      outputs: [emitter.nameOf(y)],
    });
  },
  gradient: ({ inputs: [x, indices] }, [dy]) => [scatterAdd(dy!, indices, x.shape), undefined],
};

/** Rows of a table: `y[i…, :] = x[indices[i…], :]`. */
export function gather(x: Value, indices: Value): Value {
  return x.graph.apply(gatherOp, [x, indices], {})[0];
}

const scatterAddOp: Op<{ shape: Shape }> = {
  name: 'scatterAdd',
  infer: ([rows, indices], { shape }) => {
    requireDType('scatterAdd', indices, 'int64', 'int32');
    if (!sameShape(rows.shape, [...indices.shape, ...shape.slice(1)])) {
      throw new ShapeError('scatterAdd', [rows, indices], `rows of [${shape.slice(1).join(', ')}], one for each index`);
    }
    return [{ dtype: rows.dtype, shape }];
  },
  emit: lowerScatterAdd,
  gradient: ({ inputs: [, indices] }, [dy]) => [gather(dy!, indices), undefined],
};

/** A table of zeros to which `rows[i…]` is added at row `indices[i…]`; repeated indices accumulate. */
export function scatterAdd(rows: Value, indices: Value, shape: Shape): Value {
  return rows.graph.apply(scatterAddOp, [rows, indices], { shape: [...shape] })[0];
}

const gatherElementsOp: Op<{ axis: number }> = {
  name: 'gatherElements',
  infer: ([x, indices], { axis }) => {
    requireDType('gatherElements', indices, 'int64', 'int32');
    const fits = indices.rank === x.rank && indices.shape.every((dim, i) => i === axis || dim === x.shape[i]);
    if (!fits) throw new ShapeError('gatherElements', [x, indices], `indices of x's shape but for axis ${axis}`);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  emit: (emitter, { inputs: [x, indices], attributes: { axis }, outputs: [y] }) => {
    emitter.node('GatherElements', [emitter.nameOf(x), emitter.nameOf(indices)], {
      attributes: { axis },
      outputs: [emitter.nameOf(y)],
    });
  },
  gradient: ({ inputs: [x, indices], attributes: { axis } }, [dy]) => [
    scatterAddElements(zerosLike(x), indices, dy!, axis),
    undefined,
  ],
};

function zerosLike(x: Value): Value {
  return x.graph.constant(new Float32Array(sizeOf(x.shape)), x.shape);
}

/** `y[i, j] = x[i, indices[i, j]]` for axis 1; likewise for other axes and ranks. */
export function gatherElements(x: Value, indices: Value, axis: number): Value {
  const [normal] = normalizeAxes('gatherElements', x, [axis]);
  return x.graph.apply(gatherElementsOp, [x, indices], { axis: normal })[0];
}

const scatterAddElementsOp: Op<{ axis: number }> = {
  name: 'scatterAddElements',
  infer: ([x, indices, updates], { axis }) => {
    requireDType('scatterAddElements', indices, 'int64', 'int32');
    const fits =
      sameShape(indices.shape, updates.shape) &&
      indices.rank === x.rank &&
      indices.shape.every((dim, i) => i === axis || dim <= x.shape[i]);
    if (!fits)
      throw new ShapeError(
        'scatterAddElements',
        [x, indices, updates],
        'indices and updates of one shape that lies within x',
      );
    return [x];
  },
  emit: (emitter, { inputs, attributes: { axis }, outputs: [y] }) => {
    emitter.node(
      'ScatterElements',
      inputs.map((input) => emitter.nameOf(input)),
      {
        attributes: { axis, reduction: 'add' },
        outputs: [emitter.nameOf(y)],
      },
    );
  },
  gradient: ({ inputs: [, indices], attributes: { axis } }, [dy]) => [
    dy,
    undefined,
    gatherElements(dy!, indices, axis),
  ],
};

/** x with `updates[i, j]` added at `[i, indices[i, j]]` for axis 1; likewise for other axes. Repeated indices accumulate. */
export function scatterAddElements(x: Value, indices: Value, updates: Value, axis: number): Value {
  const [normal] = normalizeAxes('scatterAddElements', x, [axis]);
  return x.graph.apply(scatterAddElementsOp, [x, indices, updates], { axis: normal })[0];
}

/** 1 where there is a label, 0 where it is −1, which stands for none of the columns: [n]. */
export function hasLabel(labels: Value): Value {
  const none = cast(labels.graph.indices(new Array<number>(labels.size).fill(-1)), labels.dtype);
  return sub(labels.graph.scalar(1), equal(labels, none));
}

/** The entry of each row of `logits` [n, k] at its label: [n]; of the last column where the label is −1. */
export function pickLabel(logits: Value, labels: Value): Value {
  requireRank('pickLabel', logits, 2);
  const [n] = logits.shape;
  if (!sameShape(labels.shape, [n]))
    throw new ShapeError('pickLabel', [logits, labels], `a label for each row: [${n}]`);
  return reshape(gatherElements(logits, reshape(labels, [n, 1]), 1), [n]);
}

/** `logits` [n, k] with the entry at each row's label replaced by `values` [n]; a row whose label is −1 stays as it is. */
export function replaceLabel(logits: Value, labels: Value, values: Value): Value {
  requireRank('replaceLabel', logits, 2);
  const [n] = logits.shape;
  if (![labels, values].every(({ shape }) => sameShape(shape, [n]))) {
    throw new ShapeError('replaceLabel', [logits, labels, values], `a label and a value for each row: [${n}]`);
  }
  const change = mul(sub(values, pickLabel(logits, labels)), hasLabel(labels));
  return scatterAddElements(logits, reshape(labels, [n, 1]), reshape(change, [n, 1]), 1);
}
