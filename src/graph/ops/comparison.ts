// Comparisons, as masks of 0 and 1 in float32. Nothing flows back through them.
import { emitSignMask } from '../lowering/sign-mask.js';
import { broadcastShape, requireDType, requireSameDType, ShapeError } from '../shapes.js';
import type { Op, Value } from '../value.js';

type NoAttributes = Record<string, never>;

function comparison(name: string, onnx: string): (a: Value, b: Value) => Value {
  const op: Op<NoAttributes> = {
    name,
    infer: ([a, b]) => {
      requireSameDType(name, [a, b]);
      const shape = broadcastShape(a.shape, b.shape);
      if (shape === undefined) throw new ShapeError(name, [a, b], 'shapes that broadcast');
      return [{ dtype: 'float32', shape }];
    },
    emit: (emitter, { inputs: [a, b], outputs: [y] }) => {
      const layout = emitter.layoutFor([a, b], y);
      const truth = emitter.node(onnx, [emitter.operand(a, layout), emitter.operand(b, layout)]);
      emitter.node('Cast', [truth], { attributes: { to: 1 }, outputs: [emitter.nameIn(y, layout)] });
    },
    gradient: 'zero',
  };
  return (a, b) => a.graph.apply(op, [a, b], {})[0];
}

/** 1 where a > b. */
export const greater = comparison('greater', 'Greater');

/** 1 where a ≥ b. */
export const greaterEqual = comparison('greaterEqual', 'GreaterOrEqual');

/** 1 where a = b; for labels of integer dtype. */
export const equal = comparison('equal', 'Equal');

function signMask(name: string, side: 1 | -1): (x: Value) => Value {
  const op: Op<NoAttributes> = {
    name,
    half: 'elementwise',
    infer: ([x]) => {
      requireDType(name, x, 'float32');
      return [x];
    },
    emit: (emitter, { inputs: [x], outputs: [y] }) => {
      const layout = emitter.layoutFor([x], y);
      emitSignMask(emitter, emitter.nameIn(x, layout), side, emitter.nameIn(y, layout));
    },
    gradient: 'zero',
  };
  return (x) => x.graph.apply(op, [x], {})[0];
}

/** 1 where x > 0, else 0 (x = 0 gives 0). Values below 3e-39 in magnitude count as fractions of 1. */
export const step = signMask('step', 1);

/** 1 where x < 0, else 0 (x = 0 gives 0). Values below 3e-39 in magnitude count as fractions of 1. */
export const negativeStep = signMask('negativeStep', -1);
