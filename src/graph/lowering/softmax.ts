// The logarithm of the softmax: the runtime's operator, and the form for WebGPU, whose provider lacks it (ONNX Runtime 1.30).
import type { Emitter, Node } from '../value.js';

/** Emits x − log Σ e^x along an axis. */
export function lowerLogSoftmax(
  emitter: Emitter,
  { inputs: [x], attributes: { axis }, outputs: [y] }: Node<{ axis: number }>,
): void {
  const [from, outputs] = [emitter.nameOf(x), [emitter.nameOf(y)]];
  if (emitter.target.device !== 'webgpu') {
    emitter.node('LogSoftmax', [from], { attributes: { axis }, outputs });
    return;
  }
  // The largest is taken off first, so that no power overflows.
  const most = emitter.node('ReduceMax', [from], { attributes: { axes: [axis], keepdims: 1 } });
  const below = emitter.node('Sub', [from, most]);
  const powers = emitter.node('Exp', [below]);
  const total = emitter.node('ReduceSum', [powers, emitter.ints([axis])], { attributes: { keepdims: 1 } });
  emitter.node('Sub', [below, emitter.node('Log', [total])], { outputs });
}
