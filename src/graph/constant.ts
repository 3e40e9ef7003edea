// A tensor stored in the model: the op that every graph makes itself, and the question whether a value is one.
// It stands below ops/ and lowering/, which both ask.
import type { ConstantData, DType, Op, Shape, Value } from './value.js';

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

/** What a value stores; `undefined` for a value that is not a constant. The one way to ask whether a value is known when a graph is built. */
export function constantOf({ producer }: Value): ConstantAttributes | undefined {
  return Object.is(producer?.op, constantOp) ? (producer!.attributes as ConstantAttributes) : undefined;
}
