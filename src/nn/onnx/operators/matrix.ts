// Matrix products: Gemm and MatMul.
import { add, matmul, reshape, scale, type Value } from '../../../graph/index.js';
import type { Call, Operator } from '../operand.js';

/** alpha · op(A) op(B) + beta · C, where C broadcasts. */
export const gemm: Operator = (call) => {
  const { attributes } = call;
  const [a, b] = [call.value(0), call.parameter(1, 'weight')];
  const product = matmul(a, b, {
    transposeA: attributes.int('transA', 0) !== 0,
    transposeB: attributes.int('transB', 0) !== 0,
  });
  const y = scale(product, attributes.float('alpha', 1));
  return [call.has(2) ? add(y, scale(call.parameter(2, 'bias'), attributes.float('beta', 1))) : y];
};

/** NumPy's matmul: a vector at either side is a row or a column for the time of the product. */
export const matMul: Operator = (call) => {
  const [a, b] = [factor(call, 0), factor(call, 1)];
  const left = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const right = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const y = matmul(left, right);
  const shape = [...y.shape];
  if (b.rank === 1) shape.pop();
  if (a.rank === 1) shape.splice(shape.length - (b.rank === 1 ? 1 : 2), 1);
  return [reshape(y, shape)];
};

/** A stored matrix is a weight, on whichever side it stands. */
function factor(call: Call, index: number): Value {
  return call.operand(index).kind === 'stored' ? call.parameter(index, 'weight') : call.value(index);
}
