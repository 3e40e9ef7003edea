// Stochastic gradient descent with momentum and weight decay, in Caffe's order of operations, as an update graph.
import { add, Graph, mul, serialize, sub, type Target } from '../graph/index.js';

/** Scalars the update graph takes at each run. */
export interface SgdScalars {
  /** Base learning rate times the parameter's multiplier. */
  readonly learningRate: number;
  /** In [0, 1). */
  readonly momentum: number;
  /** Weight decay times the parameter's multiplier. */
  readonly decay: number;
}

/**
 * The update of `size` values, as an ONNX model (Caffe's SGDSolver: the buffer holds learning rate times gradient):
 *
 *     v' = momentum · v + learningRate · (gradient + decay · p)
 *     p' = p − v'
 *
 * Inputs `p`, `v`, `gradient` [size] and the scalars of {@link SgdScalars}; outputs `p_new`, `v_new`. Every op is elementwise and
 * reads p and v no later than it writes p_new and v_new, so the outputs may be the very buffers of the inputs.
 */
export function sgdUpdateModel(size: number, target?: Target): Uint8Array {
  const graph = new Graph();
  const [p, v, gradient] = ['p', 'v', 'gradient'].map((name) => graph.input(name, 'float32', [size]));
  const [learningRate, momentum, decay] = ['learningRate', 'momentum', 'decay'].map((name) =>
    graph.input(name, 'float32', []),
  );
  const step = mul(add(gradient, mul(p, decay)), learningRate);
  const vNew = add(mul(v, momentum), step);
  const pNew = sub(p, vNew);
  const axis = { 0: 'size' };
  return serialize(graph, {
    outputs: { v_new: vNew, p_new: pNew },
    dynamicAxes: { p: axis, v: axis, gradient: axis, p_new: axis, v_new: axis },
    target,
  });
}
