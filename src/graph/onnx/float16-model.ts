// A model in half precision: half the size, and faster where the device computes in float16 (WebGPU, CUDA, phones).
import { create, toBinary } from '@bufbuild/protobuf';
import { SphereFaceError } from '../../common/errors.js';
import { toFloat16 } from '../../common/float16.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType as DataType,
} from './onnx_pb.js';
import { parseModel, type ParsedModel } from './parse.js';
import { floatData } from './tensor-data.js';

/** Inputs that ONNX wants in float32 whatever the data are: by operator, their positions. */
const alwaysFloat32: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2], Upsample: [1] };

/** The largest finite half. */
const largest = 65504;

/**
 * The same model with weights and arithmetic in float16. Inputs and outputs stay float32 (casts stand behind them), so it is
 * used exactly like the original; metadata is kept.
 * @throws SphereFaceError for a weight beyond float16's range, and for models with inner graphs.
 */
export function toFloat16Model(model: Uint8Array, source: string): Uint8Array {
  const parsed = parseModel(model, source);
  convertGraph(parsed.graph, source);
  return toBinary(ModelProtoSchema, parsed);
}

/** Whether a model stores some of its parameters in float16. */
export function storesFloat16({ graph }: ParsedModel): boolean {
  return graph.initializer.some(({ dataType }) => dataType === DataType.FLOAT16);
}

function convertGraph(graph: GraphProto, source: string): void {
  const kept = float32Inputs(graph.node);
  for (const tensor of graph.initializer) if (!kept.has(tensor.name)) convertTensor(tensor, source);
  for (const node of graph.node) {
    for (const attribute of node.attribute) convertAttribute(node, attribute, source);
  }
  // Types of inner values would contradict what they are now; the runtime infers them.
  graph.valueInfo = [];

  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const casts: { readonly before: NodeProto[]; readonly after: NodeProto[] } = { before: [], after: [] };
  const renamed = new Map<string, string>();
  for (const { name, type } of graph.input) {
    const tensor = type?.tensorType;
    if (tensor?.elemType !== DataType.FLOAT) continue;
    const initializer = initializers.get(name);
    if (initializer !== undefined) {
      tensor.elemType = initializer.dataType;
      continue;
    }
    renamed.set(name, halfName(name));
    casts.before.push(castNode(name, halfName(name), DataType.FLOAT16));
  }
  for (const { name, type } of graph.output) {
    if (type?.tensorType?.elemType !== DataType.FLOAT) continue;
    const inside = renamed.get(name) ?? halfName(name);
    renamed.set(name, inside);
    casts.after.push(castNode(inside, name, DataType.FLOAT));
  }
  for (const node of graph.node) {
    node.input = node.input.map((name) => renamed.get(name) ?? name);
    node.output = node.output.map((name) => renamed.get(name) ?? name);
  }
  graph.node = [...casts.before, ...graph.node, ...casts.after];
}

/** Names of values that must stay float32. */
function float32Inputs(nodes: readonly NodeProto[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { opType, input } of nodes) {
    for (const position of alwaysFloat32[opType] ?? []) {
      const name = input.at(position);
      if (name !== undefined && name !== '') names.add(name);
    }
  }
  return names;
}

function convertTensor(tensor: TensorProto, source: string): void {
  if (tensor.dataType !== DataType.FLOAT) return;
  const values = floatData(tensor, source);
  if (values === undefined) return;
  const halves = new Uint16Array(values.length);
  for (const [index, value] of values.entries()) {
    if (Number.isFinite(value) && Math.abs(value) > largest) {
      throw new SphereFaceError(`${source} cannot be written in float16.`, {
        got: `${value} in the parameter ${tensor.name}`,
        expected: `values between -${largest} and ${largest}`,
        next: 'export it as float32',
      });
    }
    halves[index] = toFloat16(value);
  }
  tensor.dataType = DataType.FLOAT16;
  tensor.floatData = [];
  tensor.rawData = new Uint8Array(halves.buffer);
}

function convertAttribute(node: NodeProto, attribute: AttributeProto, source: string): void {
  if (attribute.g !== undefined) {
    throw new SphereFaceError(`${source} cannot be written in float16.`, {
      got: `the operator ${node.opType} with an inner graph`,
      expected: 'a network without branches or loops',
      next: 'export it as float32',
    });
  }
  if (attribute.t !== undefined) convertTensor(attribute.t, source);
  const isCastToFloat = node.opType === 'Cast' && attribute.name === 'to' && attribute.i === BigInt(DataType.FLOAT);
  if (isCastToFloat) attribute.i = BigInt(DataType.FLOAT16);
}

function halfName(name: string): string {
  return `${name}__float16`;
}

function castNode(from: string, to: string, type: DataType): NodeProto {
  const attribute = create(AttributeProtoSchema, { name: 'to', type: AttributeType.INT, i: BigInt(type) });
  return create(NodeProtoSchema, {
    opType: 'Cast',
    name: `cast_${to}`,
    input: [from],
    output: [to],
    attribute: [attribute],
  });
}
