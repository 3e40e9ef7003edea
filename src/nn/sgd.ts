// Stochastic gradient descent with momentum and weight decay, in Caffe's order of operations.

/** The numbers of one update. */
export interface SgdScalars {
  /** Base learning rate times the parameter's multiplier. */
  readonly learningRate: number;
  /** In [0, 1). */
  readonly momentum: number;
  /** Weight decay times the parameter's multiplier. */
  readonly decay: number;
  /** Factor on the gradient, below 1 where it is clipped. Default 1. */
  readonly gradientScale?: number;
}

/**
 * Updates values `p` and their momentum buffers `v` in place (Caffe's SGDSolver: the buffer holds learning rate times gradient):
 *
 *     v' = momentum · v + learningRate · (gradientScale · gradient + decay · p)
 *     p' = p − v'
 *
 * computed in float64 and rounded once. A loop and not a graph: parameters live in this process's memory, one pass over them is
 * all it takes, and the engine would write each of its six passes, and copy both results, in twice the time.
 */
export function sgdUpdate(
  p: Float32Array,
  v: Float32Array,
  gradient: Float32Array,
  { learningRate, momentum, decay, gradientScale = 1 }: SgdScalars,
): void {
  const [ofGradient, ofValue] = [learningRate * gradientScale, learningRate * decay];
  // Read once: where array buffers can be detached, V8 would check for it at every turn.
  const { length } = p;
  for (let i = 0; i < length; i++) {
    const value = p[i];
    const step = momentum * v[i] + ofGradient * gradient[i] + ofValue * value;
    v[i] = step;
    p[i] = value - step;
  }
}
