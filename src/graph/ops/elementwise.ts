// Elementwise functions of one tensor.
import { lowerNegativePart } from '../lowering/prelu.js';
import { lowerSign } from '../lowering/sign.js';
import { requireDType } from '../shapes.js';
import type { Op, Value } from '../value.js';
import { add, div, mul, scale, shift, sub } from './arithmetic.js';
import { greaterEqual, negativeStep, step } from './comparison.js';

type NoAttributes = Record<string, never>;

/** A function that is one operator of ONNX. */
function operator(onnx: string): Op<NoAttributes>['emit'] {
  return (emitter, { inputs: [x], outputs: [y] }) => {
    const layout = emitter.layoutFor([x], y);
    emitter.node(onnx, [emitter.nameIn(x, layout)], { outputs: [emitter.nameIn(y, layout)] });
  };
}

/** `derivative(x, y)` is dy/dx, from the input and the output. */
function unary(
  name: string,
  form: string | Op<NoAttributes>['emit'],
  derivative: ((x: Value, y: Value) => Value) | 'zero',
  { half }: Pick<Op, 'half'> = {},
): (x: Value) => Value {
  const op: Op<NoAttributes> = {
    name,
    half,
    infer: ([x]) => {
      requireDType(name, x, 'float32');
      return [x];
    },
    emit: typeof form === 'string' ? operator(form) : form,
    gradient: derivative === 'zero' ? 'zero' : ({ inputs: [x], outputs: [y] }, [dy]) => [mul(dy!, derivative(x, y))],
  };
  return (x) => x.graph.apply(op, [x], {})[0];
}

/** `−x`. */
export const neg = unary('neg', 'Neg', (x) => x.graph.scalar(-1), { half: 'elementwise' });
/** `e^x`. */
export const exp = unary('exp', 'Exp', (_, y) => y);
/** Natural logarithm; x > 0. */
export const log = unary('log', 'Log', (x) => reciprocal(x));
/** Square root; x ≥ 0, and its gradient is infinite at 0. */
export const sqrt = unary('sqrt', 'Sqrt', (x, y) => div(x.graph.scalar(0.5), y));
/** `1 / x`. */
export const reciprocal = unary('reciprocal', 'Reciprocal', (_, y) => neg(square(y)));
/** `|x|`; the gradient at 0 is 0. */
export const abs = unary('abs', 'Abs', (x) => sign(x));
/** −1, 0 or 1. */
export const sign = unary('sign', lowerSign, 'zero');
/** The largest integer not above x. */
export const floor = unary('floor', 'Floor', 'zero');
/** `1 / (1 + e^−x)`. */
export const sigmoid = unary('sigmoid', 'Sigmoid', (x, y) => mul(y, sub(x.graph.scalar(1), y)), {
  half: 'elementwise',
});
export const tanh = unary('tanh', 'Tanh', (x, y) => sub(x.graph.scalar(1), square(y)), { half: 'elementwise' });
/** `log(1 + e^x)`, without overflow. */
export const softplus = unary('softplus', 'Softplus', (x) => sigmoid(x));
/** The error function, 2/√π ∫₀ˣ e^−t² dt. */
export const erf = unary('erf', 'Erf', (x) => scale(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)));
/** Cosine of an angle in radians. */
export const cos = unary('cos', 'Cos', (x) => neg(sin(x)));
/** Sine of an angle in radians. */
export const sin = unary('sin', 'Sin', (x) => cos(x));
/** Angle in radians; |x| ≤ 1, and its gradient is infinite at ±1: clip before. */
export const acos = unary('acos', 'Acos', (x) => neg(reciprocal(sqrt(sub(x.graph.scalar(1), square(x))))));
/** `max(x, 0)`; the gradient at 0 is 0. */
export const relu = unary('relu', 'Relu', (x) => step(x), { half: 'elementwise' });

/** `min(x, 0)`; the gradient at 0 is 0. */
export function negativePart(x: Value): Value {
  return x.graph.apply(negativePartOp, [x], {})[0];
}

const negativePartOp: Op<NoAttributes> = {
  name: 'negativePart',
  half: 'elementwise',
  infer: ([x]) => {
    requireDType('negativePart', x, 'float32');
    return [x];
  },
  emit: (emitter, { inputs: [x], outputs: [y] }) => {
    const layout = emitter.layoutFor([x], y);
    lowerNegativePart(emitter, emitter.nameIn(x, layout), { outputs: [emitter.nameIn(y, layout)] });
  },
  gradient: ({ inputs: [x] }, [dy]) => [mul(dy!, negativeStep(x))],
};

/** `x²`. */
export function square(x: Value): Value {
  return mul(x, x);
}

interface ClipAttributes extends Record<string, unknown> {
  readonly low: number;
  readonly high: number;
}

const clipOp: Op<ClipAttributes> = {
  name: 'clip',
  half: 'elementwise',
  infer: ([x]) => {
    requireDType('clip', x, 'float32');
    return [x];
  },
  emit: (emitter, { inputs: [x], attributes: { low, high }, outputs: [y] }) => {
    emitter.node('Clip', [emitter.nameOf(x), emitter.float(low), emitter.float(high)], {
      outputs: [emitter.nameOf(y)],
    });
  },
  gradient: ({ inputs: [x], attributes: { low, high } }, [dy]) => {
    const inside = mul(greaterEqual(x, x.graph.scalar(low)), greaterEqual(x.graph.scalar(high), x));
    return [mul(dy!, inside)];
  },
};

/** x limited to [low, high]; the gradient is 1 inside and on the bounds, 0 outside. */
export function clip(x: Value, low: number, high: number): Value {
  return x.graph.apply(clipOp, [x], { low, high })[0];
}

/** Weighted mean `(1 − t) a + t b` with a number t. */
export function mix(a: Value, b: Value, t: number): Value {
  return add(scale(a, 1 - t), scale(b, t));
}

/** `a · x + b` with numbers. */
export function affine(x: Value, a: number, b: number): Value {
  return shift(scale(x, a), b);
}
