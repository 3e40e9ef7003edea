// ONNX models as bytes, for the layers above: parsed, their metadata, parameters and number format. No file is touched here.
export { withTensorData } from './external.js';
export { toFloat16Model, storesFloat16 } from './float16-model.js';
export { readMetadataProps, withMetadataProps, withoutMetadataProps } from './metadata-props.js';
export { otherKind, otherKindBytes, type OtherKind } from './other-kinds.js';
export { ModelFileError, type ParsedModel, parseModel, type Port, portsOf } from './parse.js';
export { floatParameters, type Parameter, tensorNumbers, type TensorNumbers, withFloatData } from './tensor-data.js';
export {
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataType as DataType,
  ValueInfoProtoSchema,
} from './onnx_pb.js';
