// The operands of a power: as they are, but for WebGPU.
import { sameShape } from '../shapes.js';
import type { Emitter, Shape, Value } from '../value.js';
import type { Layout } from './layout.js';

/**
 * The name of an operand of a power of a shape. The WebGPU provider of ONNX Runtime 1.30 fails on Pow where a last axis of size 1
 * meets one divisible by 4: there the operand is repeated first.
 */
export function powOperand(emitter: Emitter, x: Value, shape: Shape, layout: Layout): string {
  const name = emitter.operand(x, layout);
  if (emitter.target.device !== 'webgpu' || sameShape(x.shape, shape)) return name;
  return emitter.node('Expand', [name, emitter.ints(shape)]);
}
