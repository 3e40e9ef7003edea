// Elementwise arithmetic with broadcasting.
import {
  abs,
  add,
  cos,
  div,
  exp,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  sin,
  sqrt,
  sub,
  type Value,
} from '../../../graph/index.js';
import type { Call, Operator } from '../operand.js';

const unary =
  (f: (x: Value) => Value): Operator =>
  (call) => [f(call.value(0))];

const binary =
  (f: (a: Value, b: Value) => Value): Operator =>
  (call) => {
    const [a, b] = operands(call);
    return [f(a, b)];
  };

/** All inputs: those that are features first, so that stored data beside them is known to be a parameter. */
function operands(call: Call): Value[] {
  return Array.from({ length: call.count }, (_, index) => call.value(index));
}

/** Min, Max and Sum take any number of inputs. */
const variadic =
  (f: (a: Value, b: Value) => Value): Operator =>
  (call) => [operands(call).reduce(f)];

/** Small whole exponents as products: exact, and defined for negative bases. */
const power: Operator = (call) => {
  const x = call.value(0);
  const [exponent] = call.operand(1).kind === 'value' || call.known(1).data.length !== 1 ? [] : call.known(1).data;
  switch (exponent) {
    case 1:
      return [x];
    case 2:
      return [mul(x, x)];
    case 3:
      return [mul(mul(x, x), x)];
    case 0.5:
      return [sqrt(x)];
    case -1:
      return [reciprocal(x)];
    case undefined:
      return [pow(x, call.value(1))];
    default:
      return [pow(x, x.graph.scalar(exponent))];
  }
};

export const arithmetic: Readonly<Record<string, Operator>> = {
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div),
  Pow: power,
  Min: variadic(minimum),
  Max: variadic(maximum),
  Sum: variadic(add),
  Sqrt: unary(sqrt),
  Exp: unary(exp),
  Log: unary(log),
  Abs: unary(abs),
  Neg: unary(neg),
  Reciprocal: unary(reciprocal),
  Sin: unary(sin),
  Cos: unary(cos),
};
