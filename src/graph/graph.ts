// The graph under construction: it makes inputs and constants, applies ops, and gives equal applications the same node.
import { SphereFaceError } from '../common/errors.js';
import { type ConstantAttributes, constantOp } from './constant.js';
import { ShapeError } from './shapes.js';
import {
  type Attributes,
  type ConstantData,
  type DType,
  type GraphBuilder,
  type Node,
  type Op,
  type Shape,
  sizeOf,
  Value,
} from './value.js';

/** Constants up to this many elements are compared by content and shared. */
const sharedConstantSize = 64;

export class Graph implements GraphBuilder {
  readonly inputs: Value[] = [];
  private nextId = 0;
  private readonly known = new Map<string, Node>();
  /** Ops are told apart by what they are: two of them may have one name. */
  private readonly opIds = new Map<unknown, number>();

  input(name: string, dtype: DType, shape: Shape): Value {
    if (this.inputs.some((input) => input.inputName === name)) {
      throw new SphereFaceError(`The graph already has an input "${name}".`, { next: 'give every input its own name' });
    }
    const value = new Value(this, this.nextId++, dtype, [...shape], name);
    this.inputs.push(value);
    return value;
  }

  constant(data: ConstantData, shape: Shape, options: { readonly dtype?: DType; readonly name?: string } = {}): Value {
    const dtype = options.dtype ?? dtypeOf(data);
    if (data.length !== sizeOf(shape)) {
      throw new SphereFaceError('A constant does not fit its shape.', {
        got: `${data.length} elements`,
        expected: `${sizeOf(shape)} for [${shape.join(', ')}]`,
      });
    }
    const attributes: ConstantAttributes = { data, dtype, shape: [...shape], name: options.name };
    return this.apply(constantOp, [], attributes)[0];
  }

  scalar(value: number): Value {
    return this.constant(Float32Array.of(value), []);
  }

  indices(values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  apply<A extends Attributes>(op: Op<A>, inputs: readonly Value[], attributes: A): readonly Value[] {
    for (const input of inputs) {
      if (input.graph !== this) throw new SphereFaceError(`${op.name}: an input belongs to another graph.`);
    }
    const key = this.keyOf(op, inputs, attributes);
    const before = key === undefined ? undefined : this.known.get(key);
    if (before !== undefined) return before.outputs;
    const outputs = op.infer(inputs, attributes).map((type) => {
      if (type.shape.some((dim) => !Number.isInteger(dim) || dim < 0)) {
        throw new ShapeError(
          op.name,
          inputs,
          `dimensions that give a non-negative result, not [${type.shape.join(', ')}]`,
        );
      }
      return new Value(this, this.nextId++, type.dtype, type.shape);
    });
    const node: Node<A> = { op, inputs: [...inputs], attributes, outputs };
    for (const output of outputs) output.producer = node as unknown as Node;
    for (const input of new Set(inputs)) input.readers.push(node as unknown as Node);
    if (key !== undefined) this.known.set(key, node as unknown as Node);
    return outputs;
  }

  /** Text that is equal for equal applications; `undefined` for a constant that is too large to be compared. */
  private keyOf(op: { readonly name: string }, inputs: readonly Value[], attributes: Attributes): string | undefined {
    if (Object.is(op, constantOp) && (attributes as ConstantAttributes).data.length > sharedConstantSize)
      return undefined;
    const id = this.opIds.get(op) ?? this.opIds.size;
    this.opIds.set(op, id);
    return `${id}(${inputs.map((input) => input.id).join(',')})${textOf(op.name, attributes)}`;
  }
}

/**
 * Attributes as text that differs when they differ. JSON alone writes NaN and the infinities as null and −0 as 0, and
 * leaves out what it does not know: two different functions or maps would be equal.
 */
function textOf(op: string, attributes: Attributes): string {
  return JSON.stringify(attributes, (name, value: unknown) => {
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : { number: exactly(value) };
      case 'string':
      case 'boolean':
      case 'undefined':
        return value;
      case 'object':
        if (value === null || Array.isArray(value) || isRecord(value)) return value;
        if (isTypedArray(value))
          return { [value.constructor.name]: Array.from<number | bigint, string>(value, exactly) };
    }
    throw new SphereFaceError(`${op}: the attribute "${name}" cannot be compared.`, {
      got: typeof value === 'object' ? `a ${value?.constructor.name}` : `a ${typeof value}`,
      expected: 'plain data: numbers, texts, truth values, arrays, records, typed arrays',
    });
  });
}

function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isTypedArray(value: object): value is Iterable<number | bigint> & ArrayLike<number | bigint> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function exactly(value: number | bigint): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function dtypeOf(data: ConstantData): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint16Array) return 'float16';
  return 'uint8';
}
