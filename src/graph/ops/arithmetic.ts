// Elementwise arithmetic of two tensors with broadcasting: add, sub, mul, div, pow, min, max.
// This file, elementwise.ts, reduction.ts and layout.ts import each other: a gradient is written with ops, sums undo broadcasting, and
// broadcasting undoes sums. They do so inside functions alone, which run when all are loaded; no other files of the project form a circle.
import type { Layout } from '../lowering/layout.js';
import { powOperand } from '../lowering/pow.js';
import { broadcastShape, requireDType, requireSameDType, ShapeError } from '../shapes.js';
import type { Emitter, Op, Shape, Value } from '../value.js';
import { greaterEqual, greater } from './comparison.js';
import { log, neg, square } from './elementwise.js';
import { sum } from './reduction.js';
import { reshape } from './layout.js';

type NoAttributes = Record<string, never>;
/** dLoss/da and dLoss/db of `y = f(a, b)` before they are summed to the inputs' shapes. */
type Partials = (a: Value, b: Value, y: Value, dy: Value) => readonly [() => Value, () => Value];

/** Sums a gradient over the axes along which its value was broadcast. */
export function sumTo(x: Value, shape: Shape): Value {
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((dim, i) => (i < lead || (shape[i - lead] === 1 && dim !== 1) ? [i] : []));
  const summed = axes.length === 0 ? x : sum(x, { axes, keepDims: true });
  return reshape(summed, shape);
}

interface BinaryOptions extends Pick<Op, 'half'> {
  /** Gives the ONNX name of an operand of a result of `shape`. */
  readonly operand?: (emitter: Emitter, x: Value, shape: Shape, layout: Layout) => string;
}

function binary(
  name: string,
  onnx: string,
  partials: Partials,
  { half, operand = (emitter, x, _, layout) => emitter.operand(x, layout) }: BinaryOptions = {},
): (a: Value, b: Value) => Value {
  const op: Op<NoAttributes> = {
    name,
    half,
    infer: ([a, b]) => {
      requireSameDType(name, [a, b]);
      const shape = broadcastShape(a.shape, b.shape);
      if (shape === undefined)
        throw new ShapeError(name, [a, b], 'shapes that broadcast (equal, or 1, from the last axis)');
      return [{ dtype: a.dtype, shape }];
    },
    emit: (emitter, { inputs: [a, b], outputs: [y] }) => {
      const layout = emitter.layoutFor([a, b], y);
      const operands = [a, b].map((x) => operand(emitter, x, y.shape, layout));
      emitter.node(onnx, operands, { outputs: [emitter.nameIn(y, layout)] });
    },
    gradient: ({ inputs: [a, b], outputs: [y] }, [dy], needed) => {
      const [da, db] = partials(a, b, y, dy!);
      return [needed[0] ? sumTo(da(), a.shape) : undefined, needed[1] ? sumTo(db(), b.shape) : undefined];
    },
  };
  return (a, b) => a.graph.apply(op, [a, b], {})[0];
}

/** `a + b`. */
export const add = binary('add', 'Add', (_a, _b, _y, dy) => [() => dy, () => dy], { half: 'elementwise' });

/** `a − b`. */
export const sub = binary('sub', 'Sub', (_a, _b, _y, dy) => [() => dy, () => neg(dy)], { half: 'elementwise' });

/** `a · b`, elementwise. */
export const mul = binary('mul', 'Mul', (a, b, _y, dy) => [() => mul(dy, b), () => mul(dy, a)], {
  half: 'elementwise',
});

/** `a / b`. */
export const div = binary('div', 'Div', (a, b, _y, dy) => [() => div(dy, b), () => neg(div(mul(dy, a), square(b)))]);

/** `a ** b`. The gradient of the exponent needs a > 0. */
export const pow = binary(
  'pow',
  'Pow',
  (a, b, y, dy) => [() => mul(dy, mul(b, pow(a, sub(b, a.graph.scalar(1))))), () => mul(dy, mul(y, log(a)))],
  { operand: powOperand },
);

/** The smaller of the two; where they are equal the gradient goes to `a`. */
export const minimum = binary('minimum', 'Min', (a, b, _y, dy) => [
  () => mul(dy, greaterEqual(b, a)),
  () => mul(dy, greater(a, b)),
]);

/** The larger of the two; where they are equal the gradient goes to `a`. */
export const maximum = binary('maximum', 'Max', (a, b, _y, dy) => [
  () => mul(dy, greaterEqual(a, b)),
  () => mul(dy, greater(b, a)),
]);

/** `x · factor` with a number. */
export function scale(x: Value, factor: number): Value {
  requireDType('scale', x, 'float32');
  return factor === 1 ? x : mul(x, x.graph.scalar(factor));
}

/** `x + term` with a number. */
export function shift(x: Value, term: number): Value {
  requireDType('shift', x, 'float32');
  return term === 0 ? x : add(x, x.graph.scalar(term));
}
