// ONNX's numbers for the dtypes of a graph.
import type { DType } from '../value.js';
import { TensorProto_DataType as DataType } from './onnx_pb.js';

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
