// From a graph to the bytes of an ONNX model: the nodes that the outputs need, in order of creation.
import { create, toBinary } from '@bufbuild/protobuf';
import { SphereFaceError } from '../../common/errors.js';
import { dataTypeOf } from './data-type.js';
import { OnnxEmitter } from './emitter.js';
import { type Layout, shapeIn } from '../lowering/layout.js';
import { portable, type Target } from '../lowering/target.js';
import { ModelProtoSchema, type NodeProto, type ValueInfoProto, ValueInfoProtoSchema } from './onnx_pb.js';
import { constantOf } from '../constant.js';
import type { FormChoice, Value } from '../value.js';
import { walk } from '../walk.js';

/** ONNX versions written: operator set 17, IR version 8 (ONNX 1.12), so that readers from 2022 on take the models. */
export const opset = 17;
const irVersion = 8n;

export interface SerializeOptions {
  /** The values to compute, by the name they get in the model. */
  readonly outputs: Readonly<Record<string, Value>>;
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Axes of inputs and outputs whose size may differ at run time: `{ images: { 0: 'batch' } }`.
   * Right only where no op on the way depends on that size; convolution, pooling, elementwise ops and `flatten` do not.
   */
  readonly dynamicAxes?: Readonly<Record<string, Readonly<Record<number, string>>>>;
  readonly target?: Target;
  /** Forms that were found to be faster on the target than those taken otherwise. */
  readonly choose?: FormChoice;
  /** Inputs and outputs that the caller keeps in another layout than the standard one, by name. */
  readonly layouts?: Readonly<Record<string, Layout>>;
}

export const producerName = 'sphereface-plus';

/** The ONNX model, as bytes. Inputs that no output needs are left out. */
export function serialize(graph: { readonly inputs: readonly Value[] }, options: SerializeOptions): Uint8Array {
  const { outputs, metadata = {}, dynamicAxes = {}, target = portable, layouts = {}, choose } = options;
  const values = Object.values(outputs);
  if (values.length === 0) throw new SphereFaceError('A model needs at least one output.');
  const { nodes, inputs, used } = walk(values);
  const layoutOf = (name: string): Layout => layouts[name] ?? 'standard';

  // The first name of a computed value is the name its op writes; other names, and inputs that are outputs, are copies.
  const direct = new Map<Value, { name: string; layout: Layout }>();
  for (const [name, value] of Object.entries(outputs)) {
    const stored = constantOf(value)?.name !== undefined;
    if (value.producer !== undefined && !stored && !direct.has(value))
      direct.set(value, { name, layout: layoutOf(name) });
  }
  const emitter = new OnnxEmitter(target, used, direct, choose);
  for (const input of inputs) {
    if (input.inputName! in outputs && outputs[input.inputName!] !== input)
      throw new SphereFaceError(`The model would have an input and another output "${input.inputName}".`, {
        next: 'give the output another name',
      });
  }
  for (const input of inputs) emitter.hold(input, layoutOf(input.inputName!), input.inputName!);
  for (const node of nodes) emitter.emit(node);
  for (const [name, value] of Object.entries(outputs)) {
    const held = emitter.nameIn(value, layoutOf(name));
    if (held !== name) emitter.node('Identity', [held], { outputs: [name] });
  }

  const info = (name: string, value: Value) => valueInfo(name, value, layoutOf(name), dynamicAxes[name]);
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName,
    graph: {
      name: 'graph',
      node: lastFirst(emitter.nodes),
      initializer: emitter.initializers,
      input: graph.inputs.filter((input) => inputs.has(input)).map((input) => info(input.inputName!, input)),
      output: Object.entries(outputs).map(([name, value]) => info(name, value)),
    },
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      ...[...emitter.domains].map((domain) => ({ domain, version: 1n })),
    ],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}

/**
 * ONNX Runtime orders its work backwards from the nodes that nobody reads, the last one in the model first. Put at the end in
 * reverse, they are computed in the order in which they were emitted: each weight gradient as soon as its layer is reached,
 * and not all of them after the whole backward pass, with everything they need still in memory.
 */
function lastFirst(nodes: readonly NodeProto[]): NodeProto[] {
  const read = new Set(nodes.flatMap((node) => node.input));
  const isLeaf = (node: NodeProto): boolean => !node.output.some((name) => read.has(name));
  return [...nodes.filter((node) => !isLeaf(node)), ...nodes.filter(isLeaf).reverse()];
}

function valueInfo(
  name: string,
  value: Value,
  layout: Layout,
  dynamic: Readonly<Record<number, string>> = {},
): ValueInfoProto {
  const shape = layout === 'standard' ? value.shape : shapeIn(layout, value.shape);
  const dim = shape.map((size, axis) => (axis in dynamic ? { dimParam: dynamic[axis] } : { dimValue: BigInt(size) }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { tensorType: { elemType: dataTypeOf(value.dtype), shape: { dim } } },
  });
}
