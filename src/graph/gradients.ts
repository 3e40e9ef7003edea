// Reverse-mode differentiation: appends to a graph the values of dLoss/dParameter.
import { SphereFaceError } from '../common/errors.js';
import { add } from './ops/arithmetic.js';
import { describe } from './shapes.js';
import { sizeOf, type Value } from './value.js';
import { walk } from './walk.js';

/**
 * The gradients of a scalar with respect to values of the same graph, in the same order.
 * Only nodes on a path from a parameter to the loss are visited, so nothing is emitted that no parameter needs.
 * A parameter the loss does not depend on gets a constant of zeros.
 */
export function gradients(loss: Value, parameters: readonly Value[]): Value[] {
  if (loss.dtype !== 'float32' || loss.size !== 1) {
    throw new SphereFaceError('gradients: only a single number can be differentiated.', {
      got: describe(loss),
      expected: 'float32 with one element',
      next: 'reduce it with mean() or sum()',
    });
  }
  const { graph } = loss;
  const { nodes } = walk([loss]);
  const depends = new Set<Value>(parameters);
  for (const node of nodes) {
    if (node.op.gradient !== 'zero' && node.inputs.some((input) => depends.has(input))) {
      for (const output of node.outputs) depends.add(output);
    }
  }
  const total = new Map<Value, Value>();
  if (depends.has(loss)) total.set(loss, graph.constant(Float32Array.of(1), loss.shape));
  for (const node of nodes.toReversed()) {
    const { op } = node;
    if (op.gradient === 'zero' || !node.outputs.some((output) => depends.has(output) && total.has(output))) continue;
    const needed = node.inputs.map((input) => depends.has(input));
    const grads = op.gradient(
      node,
      node.outputs.map((output) => total.get(output)),
      needed,
    );
    node.inputs.forEach((input, i) => {
      const grad = grads[i];
      if (!needed[i] || grad === undefined) return;
      if (grad.shape.join() !== input.shape.join()) {
        throw new SphereFaceError(`${op.name}: its gradient rule gave a wrong shape.`, {
          got: describe(grad),
          expected: describe(input),
        });
      }
      const sofar = total.get(input);
      total.set(input, sofar === undefined ? grad : add(sofar, grad));
    });
  }
  return parameters.map((p) => total.get(p) ?? graph.constant(new Float32Array(sizeOf(p.shape)), p.shape));
}
