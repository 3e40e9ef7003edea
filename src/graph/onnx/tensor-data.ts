// The numbers of stored ONNX tensors: the one place that decodes them.
import { SphereFaceError } from '../../common/errors.js';
import { fromFloat16, toFloat16 } from '../../common/float16.js';
import { type GraphProto, type TensorProto, TensorProto_DataType } from './onnx_pb.js';

/** A parameter: its shape and its values in row-major order. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * The floating-point initializers of a model by name: float32 as stored, float16, bfloat16 and float64 converted. Others (shapes, indices) are
 * left out. `source` names the model in errors.
 * @throws SphereFaceError for a tensor whose data does not fit its shape.
 */
export function floatParameters({ graph }: { readonly graph: GraphProto }, source: string): Map<string, Parameter> {
  const parameters = new Map<string, Parameter>();
  for (const tensor of graph.initializer) {
    const data = floatData(tensor, source);
    if (data !== undefined) parameters.set(tensor.name, { shape: tensor.dims.map(Number), data });
  }
  return parameters;
}

/** TensorProto.DataLocation.EXTERNAL. */
const externalData = 1;

/** TensorProto.DataType.BFLOAT16, which the project's part of the format does not name. */
const bfloat16 = 16;

/** Whether a tensor's data lies in another file. */
export function isExternal({ dataLocation }: TensorProto): boolean {
  return dataLocation === externalData;
}

/** A tensor's values as float32; `undefined` for integer types. */
export function floatData(tensor: TensorProto, source: string): Float32Array | undefined {
  const size = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
  const { rawData } = tensor;
  const wrong = (got: string): SphereFaceError =>
    new SphereFaceError(`${source}: the tensor ${tensor.name} is damaged.`, {
      got,
      expected: `${size} elements for [${tensor.dims.join(', ')}]`,
    });
  if (isExternal(tensor)) throw wrong('a reference to another file');

  let data: Float32Array;
  switch (tensor.dataType) {
    case TensorProto_DataType.FLOAT:
      data = rawData.length > 0 ? floats(rawData) : Float32Array.from(tensor.floatData);
      break;
    case TensorProto_DataType.FLOAT16: {
      const halves = rawData.length > 0 ? halfPatterns(rawData) : tensor.int32Data;
      data = Float32Array.from(halves, fromFloat16);
      break;
    }
    case bfloat16: {
      // The upper half of a float32.
      const halves = rawData.length > 0 ? halfPatterns(rawData) : tensor.int32Data;
      data = new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
      break;
    }
    case TensorProto_DataType.DOUBLE:
      data = Float32Array.from(rawData.length > 0 ? doubles(rawData) : tensor.doubleData);
      break;
    default:
      return undefined;
  }
  if (data.length !== size) throw wrong(`${data.length} elements`);
  return data;
}

// ONNX stores raw data little-endian and at any offset, so it is copied to an aligned place of its own.

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 2);
}

function halfPatterns(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 1);
}

function doubles(bytes: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 3);
}

/**
 * A tensor with other numbers, in the type that it has: float32, float16 or float64.
 * @throws SphereFaceError for another count of numbers, or a tensor of integers.
 */
export function withFloatData(tensor: TensorProto, data: Float32Array): TensorProto {
  const size = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
  const encode = encoders.get(tensor.dataType);
  if (data.length !== size || encode === undefined) {
    throw new SphereFaceError(`The tensor ${tensor.name} cannot take these numbers.`, {
      got: `${data.length} numbers for a tensor of element type ${tensor.dataType}`,
      expected: `${size} for [${tensor.dims.join(', ')}] of float32, float16 or float64`,
    });
  }
  return { ...tensor, rawData: encode(data), floatData: [], int32Data: [], doubleData: [] };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer, byteOffset, byteLength);

const encoders: ReadonlyMap<number, (data: Float32Array) => Uint8Array<ArrayBuffer>> = new Map([
  [TensorProto_DataType.FLOAT, (data) => bytesOf(Float32Array.from(data))],
  [TensorProto_DataType.FLOAT16, (data) => bytesOf(Uint16Array.from(data, toFloat16))],
  [TensorProto_DataType.DOUBLE, (data) => bytesOf(Float64Array.from(data))],
]);

/** The numbers of a tensor, integers or floating-point, with their shape. */
export interface TensorNumbers {
  readonly type: 'integer' | 'float';
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * Decodes a tensor of any numbers: floating-point types as float32, integers and truth values as numbers. `source` names the model in errors.
 * @throws SphereFaceError for data that does not fit the shape, lies in another file, or is no numbers.
 */
export function tensorNumbers(tensor: TensorProto, source: string): TensorNumbers {
  const shape = tensor.dims.map(Number);
  const floating = floatData(tensor, source);
  if (floating !== undefined) return { type: 'float', shape, data: floating };
  const data = integerData(tensor);
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (data?.length === size) return { type: 'integer', shape, data };
  throw new SphereFaceError(`${source}: the tensor ${tensor.name} cannot be read.`, {
    got: data === undefined ? `element type ${tensor.dataType}` : `${data.length} elements`,
    expected: `${size} numbers for [${shape.join(', ')}]`,
  });
}

/** Integers as numbers: exact up to 2^53, far beyond any size or index. `undefined` for what holds none. */
function integerData({ dataType, rawData, int32Data, int64Data }: TensorProto): ArrayLike<number> | undefined {
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  const raw = (size: number, at: (offset: number) => number): number[] =>
    Array.from({ length: Math.floor(rawData.length / size) }, (_, i) => at(i * size));
  switch (dataType) {
    case TensorProto_DataType.INT64:
      return rawData.length > 0 ? raw(8, (at) => Number(view.getBigInt64(at, true))) : int64Data.map(Number);
    case TensorProto_DataType.INT32:
      return rawData.length > 0 ? raw(4, (at) => view.getInt32(at, true)) : int32Data;
    case TensorProto_DataType.UINT8:
    case TensorProto_DataType.BOOL:
      return rawData.length > 0 ? raw(1, (at) => view.getUint8(at)) : int32Data;
    default:
      return undefined;
  }
}
