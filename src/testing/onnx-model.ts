// Small ONNX models written node by node, as other exporters would: for tests of what reads them.
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
} from '../graph/onnx/onnx_pb.js';
import { hashedUniform } from './hashed.js';

/** An attribute: integers, text, or floats wrapped as such. */
export type TestAttribute = number | string | readonly number[] | { readonly float: number };

/** One node, its inputs and outputs by name. */
export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  readonly domain?: string;
}

/** Stored data: float32, or int64 where the numbers are given as bigints. */
export interface TestTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** What a model is made of. */
export interface TestModel {
  readonly opset: number;
  /** Shape of the input `images`; a text stands for a size that is left open. */
  readonly images: readonly (number | string)[];
  readonly nodes: readonly TestNode[];
  readonly initializers: Readonly<Record<string, TestTensor>>;
  readonly outputs: readonly string[];
}

/** Hashed float32 values over center ± spread, the same for the same seed. */
export function hashedTensor(shape: readonly number[], seed: number, center = 0, spread = 1): TestTensor {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { shape, data: hashedUniform(count, seed, center, spread) };
}

/** An int64 vector. */
export function int64s(...numbers: number[]): TestTensor {
  return { shape: [numbers.length], data: BigInt64Array.from(numbers, BigInt) };
}

/** The model as a message; {@link encodeModel} gives its bytes. */
export function testModel({ opset, images, nodes, initializers, outputs }: TestModel): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: {
      name: 'test',
      node: nodes.map(({ op, inputs, outputs: results, attributes = {}, domain = '' }, i) =>
        create(NodeProtoSchema, {
          opType: op,
          domain,
          name: `node${i}`,
          input: [...inputs],
          output: [...results],
          attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
        }),
      ),
      initializer: Object.entries(initializers).map(([name, tensor]) => tensorOf(name, tensor)),
      input: [
        {
          name: 'images',
          type: {
            tensorType: {
              elemType: DataType.FLOAT,
              shape: {
                dim: images.map((size) => (typeof size === 'number' ? { dimValue: BigInt(size) } : { dimParam: size })),
              },
            },
          },
        },
      ],
      output: outputs.map((name) => ({ name, type: { tensorType: { elemType: DataType.FLOAT } } })),
    },
  });
}

/** The bytes of a model. */
export function encodeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

/** Leaves the data of the first stored tensor to another file, where `entries` say; returns that data. */
export function moveOutside({ graph }: ModelProto, entries: Readonly<Record<string, string>>): Uint8Array {
  const [tensor] = graph!.initializer;
  const data = tensor.rawData;
  tensor.rawData = new Uint8Array();
  tensor.dataLocation = 1;
  tensor.externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return data;
}

function tensorOf(name: string, { shape, data }: TestTensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: data instanceof Float32Array ? DataType.FLOAT : DataType.INT64,
    rawData: new Uint8Array(data.slice().buffer),
  });
}

function attributeOf(name: string, value: TestAttribute) {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}
