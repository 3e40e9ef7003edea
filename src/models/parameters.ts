// The parameters of a model file, by name: where a fine-tune starts from.
import { SphereFaceError } from '../common/errors.js';
import { fromFloat16 } from '../common/float16.js';
import { type TensorProto, TensorProto_DataType } from '../graph/onnx/onnx_pb.js';
import { externalData, parseModel, readModelFile } from './onnx.js';

/** A parameter: its shape and its values in row-major order. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * The floating-point initializers of an ONNX file: float32 as stored, float16 and float64 converted. Others (shapes,
 * indices) are left out.
 */
export async function readParameters(path: string): Promise<Map<string, Parameter>> {
  const { graph } = parseModel(await readModelFile(path), path);
  const parameters = new Map<string, Parameter>();
  for (const tensor of graph.initializer) {
    const data = floatData(tensor, path);
    if (data !== undefined) parameters.set(tensor.name, { shape: tensor.dims.map(Number), data });
  }
  return parameters;
}

/** A tensor's values as float32; `undefined` for integer types. */
export function floatData(tensor: TensorProto, path: string): Float32Array | undefined {
  const size = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
  const { rawData } = tensor;
  const wrong = (got: string): SphereFaceError =>
    new SphereFaceError(`${path}: the tensor ${tensor.name} is damaged.`, {
      got,
      expected: `${size} elements for [${tensor.dims.join(', ')}]`,
    });
  if (tensor.dataLocation === externalData) throw wrong('a reference to another file');

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
