// Activation functions, by their definitions in ONNX.
import {
  abs,
  add,
  affine,
  clip,
  div,
  erf,
  exp,
  logSoftmax,
  minimum,
  mul,
  prelu,
  relu,
  reshape,
  scale,
  shift,
  sigmoid,
  softmax,
  softplus,
  tanh,
  type Value,
} from '../../../graph/index.js';
import { axisOf } from '../known.js';
import type { Call, Operator } from '../operand.js';

/** An operator of one input. */
const unary =
  (f: (x: Value, call: Call) => Value): Operator =>
  (call) => [f(call.value(0), call)];

/** x where x > 0, slope · x elsewhere. */
const leaky = (x: Value, slope: number): Value => add(x, scale(minimum(x, x.graph.scalar(0)), slope - 1));

const hardSigmoid = (x: Value, alpha: number, beta: number): Value => clip(affine(x, alpha, beta), 0, 1);

const gaussian: Operator = unary((x, call) => {
  if (call.attributes.text('approximate', 'none') === 'tanh') {
    const inner = scale(add(x, scale(mul(x, mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI));
    return mul(scale(x, 0.5), shift(tanh(inner), 1));
  }
  return mul(scale(x, 0.5), shift(erf(scale(x, Math.SQRT1_2)), 1));
});

/** Slopes that broadcast against x from the last axis; one per channel in the common case. */
const parametric: Operator = (call) => {
  const x = call.value(0);
  const slope = call.parameter(1, 'slope');
  const perChannel = slope.size === x.shape[1] && slope.shape[slope.rank - x.rank + 1] === x.shape[1];
  if (x.rank >= 2 && (perChannel || (slope.rank === 1 && x.rank === 2 && slope.size === x.shape[1])))
    return [prelu(x, reshape(slope, [x.shape[1]]))];
  return [add(x, mul(minimum(x, x.graph.scalar(0)), shift(slope, -1)))];
};

/** Bounds are inputs since opset 11. A bound that is absent does not bind. */
const clipped: Operator = unary((x, call) => {
  const [low] = call.opset >= 11 ? (call.optional(1) ?? []) : [call.attributes.float('min', -3.4e38)];
  const [high] = call.opset >= 11 ? (call.optional(2) ?? []) : [call.attributes.float('max', 3.4e38)];
  return clip(x, low ?? -3.4e38, high ?? 3.4e38);
});

/** Before opset 13 softmax was over all axes from `axis` on, taken together. */
function overAxis(call: Call, f: (x: Value, axis: number) => Value): readonly [Value] {
  const x = call.value(0);
  const axis = axisOf(call.attributes.int('axis', call.opset >= 13 ? -1 : 1), x.rank);
  if (call.opset >= 13 || axis === x.rank - 1) return [f(x, axis)];
  const rows = x.shape.slice(0, axis).reduce((product, dim) => product * dim, 1);
  return [reshape(f(reshape(x, [rows, -1]), 1), x.shape)];
}

/** The share that is dropped is an input since opset 12. Whether the file says that it trains does not matter: here it does. */
const dropout: Operator = (call) => {
  const { net, dropout: given } = call.context;
  const [stated] = call.opset >= 12 ? (call.optional(1) ?? []) : [call.attributes.float('ratio', 0.5)];
  const ratio = given ?? stated ?? 0.5;
  if (!(ratio >= 0 && ratio < 1)) throw call.wrong(`a ratio of ${ratio}`, 'at least 0 and less than 1');
  return [net.dropout(call.value(0), ratio)];
};

export const activations: Readonly<Record<string, Operator>> = {
  Relu: unary(relu),
  PRelu: parametric,
  LeakyRelu: unary((x, { attributes }) => leaky(x, attributes.float('alpha', 0.01))),
  Elu: unary((x, { attributes }) =>
    add(relu(x), scale(shift(exp(minimum(x, x.graph.scalar(0))), -1), attributes.float('alpha', 1))),
  ),
  Sigmoid: unary(sigmoid),
  HardSigmoid: unary((x, { attributes }) =>
    hardSigmoid(x, attributes.float('alpha', 0.2), attributes.float('beta', 0.5)),
  ),
  HardSwish: unary((x) => mul(x, hardSigmoid(x, 1 / 6, 0.5))),
  Swish: unary((x, { attributes }) => mul(x, sigmoid(scale(x, attributes.float('alpha', 1))))),
  Mish: unary((x) => mul(x, tanh(softplus(x)))),
  Softplus: unary(softplus),
  Softsign: unary((x) => div(x, shift(abs(x), 1))),
  Tanh: unary(tanh),
  Erf: unary(erf),
  Gelu: gaussian,
  Clip: clipped,
  Dropout: dropout,
  Softmax: (call) => overAxis(call, softmax),
  LogSoftmax: (call) => overAxis(call, logSoftmax),
};
