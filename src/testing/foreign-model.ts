// The tiny model as other tools export it: pixels instead of planes, other types, further outputs in any order.
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  ValueInfoProtoSchema,
} from '../graph/onnx/onnx_pb.js';
import { parseModel } from '../graph/onnx/index.js';
import { tinyInput, tinyModel } from './tiny-model.js';

/** What is foreign about it. */
export interface ForeignForm {
  readonly layout?: 'NCHW' | 'NHWC';
  readonly input?: DataType;
  readonly output?: DataType;
  /** Its outputs in order, by name, with the embedding among them: copies of the embedding, its norm, or its square roots (NaN where it is negative). */
  readonly outputs?: Readonly<
    Record<string, 'embedding' | 'norm' | 'roots' | 'embedding of unstated size' | 'norm of unstated size'>
  >;
}

/** The bytes of the model, which gives {@link tinyEmbedding} for what `form` takes; without metadata. */
export function foreignModel(form: ForeignForm): Uint8Array {
  const {
    layout = 'NCHW',
    input = DataType.FLOAT,
    output = DataType.FLOAT,
    outputs = { embedding: 'embedding' },
  } = form;
  const model = parseModel(tinyModel(), 'tiny');
  const { graph } = model;
  const { height, width } = tinyInput;
  for (const node of graph.node) {
    node.input = node.input.map((name) => (name === 'images' ? 'planes' : name));
    node.output = node.output.map((name) => (name === 'embedding' ? 'sums' : name));
  }
  graph.node.unshift(
    cast('images', 'pixels', DataType.FLOAT),
    layout === 'NCHW'
      ? node('Identity', 'pixels', 'planes')
      : node('Transpose', 'pixels', 'planes', [integers('perm', [0, 3, 1, 2])]),
  );
  graph.input = [port('images', input, layout === 'NCHW' ? [3, height, width] : [height, width, 3])];
  graph.output = [];
  for (const [name, kind] of Object.entries(outputs)) {
    const norm = kind.startsWith('norm');
    const value = norm || kind === 'roots' ? `${name}_float` : 'sums';
    if (kind === 'roots') graph.node.push(node('Sqrt', 'sums', value));
    if (norm) graph.node.push(node('ReduceL2', 'sums', value, [integers('axes', [1])]));
    graph.node.push(cast(value, name, output));
    graph.output.push(port(name, output, kind.endsWith('unstated size') ? [undefined] : [norm ? 1 : 2]));
  }
  return toBinary(ModelProtoSchema, model as ModelProto);
}

function node(opType: string, from: string, to: string, attribute: ReturnType<typeof integers>[] = []) {
  return create(NodeProtoSchema, { opType, input: [from], output: [to], name: `${opType}_${to}`, attribute });
}

function cast(from: string, to: string, type: DataType) {
  const attribute = create(AttributeProtoSchema, {
    name: 'to',
    type: AttributeProto_AttributeType.INT,
    i: BigInt(type),
  });
  return node('Cast', from, to, [attribute]);
}

function integers(name: string, values: readonly number[]) {
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: values.map(BigInt) });
}

function port(name: string, elemType: DataType, sizes: readonly (number | undefined)[]) {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      tensorType: {
        elemType,
        shape: {
          dim: [undefined, ...sizes].map((size, i) =>
            size === undefined ? { dimParam: `n${i}` } : { dimValue: BigInt(size) },
          ),
        },
      },
    },
  });
}
