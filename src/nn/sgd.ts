// Stochastic gradient descent with momentum and weight decay, in Caffe's order of operations.
import { add, mul, scale, sub, type Value } from '../graph/index.js';

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

/** A parameter and its momentum buffer as values of a graph. */
export interface SgdState {
  readonly value: Value;
  readonly momentum: Value;
}

/** The numbers of one update in a graph. */
export interface SgdStepScalars {
  /** A number that is known when the graph runs; as it is for a multiplier of 1. */
  readonly learningRate: Value;
  readonly momentum: number;
  readonly decay: number;
  /** A number that is computed from the gradients. Default 1. */
  readonly gradientScale?: Value;
}

/** {@link sgdUpdate} for parameters that stay on a device: the same formulas in float32. */
export function sgdStep(
  { value, momentum: v }: SgdState,
  gradient: Value,
  { learningRate, momentum, decay, gradientScale }: SgdStepScalars,
): SgdState {
  const ofGradient = gradientScale === undefined ? learningRate : mul(learningRate, gradientScale);
  const pulled = add(scale(v, momentum), mul(gradient, ofGradient));
  const step = decay === 0 ? pulled : add(pulled, mul(value, scale(learningRate, decay)));
  return { value: sub(value, step), momentum: step };
}
