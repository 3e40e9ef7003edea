// The sign of each element: the runtime's operator, and the form for WebGPU, whose provider lacks it (ONNX Runtime 1.30).
import type { Emitter, Node } from '../value.js';
import { emitSignMask } from './sign-mask.js';

/** Emits −1, 0 or 1. */
export function lowerSign(emitter: Emitter, { inputs: [x], outputs: [y] }: Node<Record<string, never>>): void {
  const layout = emitter.layoutFor([x], y);
  const [from, to] = [emitter.nameIn(x, layout), emitter.nameIn(y, layout)];
  if (emitter.target.device !== 'webgpu') emitter.node('Sign', [from], { outputs: [to] });
  else emitter.node('Sub', [emitSignMask(emitter, from, 1), emitSignMask(emitter, from, -1)], { outputs: [to] });
}
