// A model whose tensors partly lie outside of it, made whole. Where they lie, and whether they may be read, is decided above.
import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProto } from './onnx_pb.js';
import { decoded, tensorsOf } from './parse.js';
import { isExternal } from './tensor-data.js';

/**
 * The bytes of a model with the data of every tensor inside; those given where that is so already. `source` names the model in errors.
 * @param dataOf the raw data of a tensor that lies outside, as its `externalData` says
 */
export async function withTensorData(
  model: Uint8Array,
  source: string,
  dataOf: (tensor: TensorProto) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const parsed = decoded(ModelProtoSchema, model, source);
  const outside = [...tensorsOf(parsed.graph)].filter(isExternal);
  if (outside.length === 0) return model;
  for (const tensor of outside) {
    tensor.rawData = await dataOf(tensor);
    tensor.externalData = [];
    tensor.dataLocation = 0;
  }
  return toBinary(ModelProtoSchema, parsed);
}
