// A tensor stored in the model.
import type { DType, Op, Shape } from '../value.js';

export type ConstantData = Float32Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array;

export interface ConstantAttributes extends Record<string, unknown> {
  readonly data: ConstantData;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly name?: string;
}

export const constantOp: Op<ConstantAttributes> = {
  name: 'constant',
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  emit: (emitter, { attributes, outputs }) => {
    emitter.initializer(attributes, emitter.nameOf(outputs[0]));
  },
  gradient: 'zero',
};
