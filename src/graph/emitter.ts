// Writes ONNX nodes while a graph is serialised: names, initializers, attributes, and lowered forms computed only once.
import { create } from '@bufbuild/protobuf';
import type { Target } from './lowering/target.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  type TensorProto,
  TensorProtoSchema,
} from './onnx_pb.js';
import type { ConstantData } from './ops/constant.js';
import type { DType, Shape, Value } from './value.js';

/** An ONNX attribute's value. Numbers are ints unless wrapped as `{ float }`. */
export type AttributeValue =
  number | string | readonly number[] | { readonly float: number } | { readonly floats: readonly number[] };

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Names of the outputs; one fresh name when absent. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
}

const dataTypes: Readonly<Record<DType, DataType>> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** ONNX's number for a dtype. */
export function dataTypeOf(dtype: DType): DataType {
  return dataTypes[dtype];
}

export class Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  /** Operator domains in use besides ONNX's own. */
  readonly domains = new Set<string>();
  private readonly names = new Map<Value, string>();
  private readonly memo = new Map<string, string>();
  private readonly taken = new Set<string>();
  private counter = 0;

  /** @param used the values that some emitted node or model output reads. */
  constructor(
    readonly target: Target,
    private readonly used: ReadonlySet<Value>,
  ) {}

  /** Whether anything reads this value: an output nobody reads need not be computed. */
  isUsed(value: Value): boolean {
    return this.used.has(value);
  }

  /** The name of a value in the model. */
  nameOf(value: Value): string {
    let name = this.names.get(value);
    if (name === undefined) {
      const node = value.producer;
      const stored = node?.attributes.name;
      name = value.inputName ?? (typeof stored === 'string' ? stored : `${node?.op.name ?? 'value'}_${value.id}`);
      this.bind(value, name);
    }
    return name;
  }

  /** Fixes the name of a value: graph inputs and outputs have the names the caller gave. */
  bind(value: Value, name: string): void {
    this.names.set(value, name);
    this.taken.add(name);
  }

  /** A name no other tensor has. */
  fresh(stem: string): string {
    let name: string;
    do name = `${stem}__${this.counter++}`;
    while (this.taken.has(name));
    this.taken.add(name);
    return name;
  }

  /** Adds an ONNX node; returns the name of its first output. Optional inputs that are absent are empty strings. */
  node(opType: string, inputs: readonly string[], options: EmitOptions = {}): string {
    const outputs = options.outputs ?? [this.fresh(opType)];
    const domain = options.domain ?? '';
    if (domain !== '') this.domains.add(domain);
    this.nodes.push(
      create(NodeProtoSchema, {
        opType,
        input: [...inputs],
        output: [...outputs],
        name: `${opType}_${this.nodes.length}`,
        attribute: Object.entries(options.attributes ?? {}).map(([name, value]) => attribute(name, value)),
        ...(domain === '' ? {} : { domain }),
      }),
    );
    return outputs[0];
  }

  /** Adds stored data under a name. */
  initializer(
    constant: { readonly data: ConstantData; readonly dtype: DType; readonly shape: Shape },
    name: string,
  ): string {
    const { data } = constant;
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: constant.shape.map(BigInt),
        dataType: dataTypeOf(constant.dtype),
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) as Uint8Array<ArrayBuffer>,
      }),
    );
    return name;
  }

  /** An int64 vector as a stored constant, shared by content: the way recent ONNX ops take axes and shapes. */
  ints(values: readonly number[]): string {
    return this.once(`ints:${values.join(',')}`, () =>
      this.initializer(
        { data: BigInt64Array.from(values, BigInt), dtype: 'int64', shape: [values.length] },
        this.fresh('ints'),
      ),
    );
  }

  /** A float32 scalar as a stored constant, shared by content. */
  float(value: number): string {
    return this.once(`float:${value}`, () =>
      this.initializer({ data: Float32Array.of(value), dtype: 'float32', shape: [] }, this.fresh('float')),
    );
  }

  /** The tensor made for `key` before, or the one that `make` emits now: how several ops share one lowered form. */
  once(key: string, make: () => string): string {
    let name = this.memo.get(key);
    if (name === undefined) {
      name = make();
      this.memo.set(key, name);
    }
    return name;
  }
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  const base = { name };
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { ...base, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      ...base,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if ('float' in value) return create(AttributeProtoSchema, { ...base, type: AttributeType.FLOAT, f: value.float });
  if ('floats' in value)
    return create(AttributeProtoSchema, { ...base, type: AttributeType.FLOATS, floats: [...value.floats] });
  return create(AttributeProtoSchema, { ...base, type: AttributeType.INTS, ints: value.map(BigInt) });
}
