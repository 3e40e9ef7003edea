// The numbers of stored ONNX tensors: the one place that decodes them.
import { SphereFaceError } from '../../common/errors.js';
import { fromFloat16 } from '../../common/float16.js';
import { type GraphProto, type TensorProto, TensorProto_DataType } from './onnx_pb.js';

/** A parameter: its shape and its values in row-major order. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * The floating-point initializers of a model by name: float32 as stored, float16 and float64 converted. Others (shapes, indices) are
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
