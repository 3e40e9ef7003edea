// Trained numbers back into the ONNX model that they were read from: what is deployed is the user's own file with other weights.
import { create, toBinary } from '@bufbuild/protobuf';
import { SphereFaceError } from '../../common/errors.js';
import {
  DataType,
  type GraphProto,
  ModelProtoSchema,
  type ParsedModel,
  type TensorProto,
  ValueInfoProtoSchema,
  withFloatData,
} from '../../graph/onnx/index.js';
import type { ParameterValues } from '../parameters.js';

/**
 * The bytes of a model with other numbers in some of its stored tensors, initializers or constants, by name. Each keeps its type: what was
 * float16 is rounded to that again. Everything else, open axes and metadata included, stays as it is.
 * @param output the tensor that becomes the only output, an inner one as well; the model's own outputs by default
 * @throws SphereFaceError for values that the model has no tensor for, or one of another size.
 */
export function withParameters(model: ParsedModel, values: ParameterValues, output?: string): Uint8Array {
  const left = new Map(values);
  const replaced = (name: string, tensor: TensorProto): TensorProto => {
    const data = left.get(name);
    if (data === undefined) return tensor;
    left.delete(name);
    return withFloatData(tensor, data);
  };
  const { graph } = model;
  const initializer = graph.initializer.map((tensor) => replaced(tensor.name, tensor));
  const node = graph.node.map((one) => {
    const [name] = one.output;
    if (one.opType !== 'Constant' || name === undefined || !left.has(name)) return one;
    const attribute = one.attribute.map((entry) =>
      entry.t === undefined ? entry : { ...entry, t: replaced(name, entry.t) },
    );
    return { ...one, attribute };
  });
  const [missing] = left.keys();
  if (missing !== undefined) {
    throw new SphereFaceError('The trained parameters are not those of the model that they go into.', {
      got: `a parameter "${missing}"`,
      expected: `names such as ${graph.initializer
        .slice(0, 5)
        .map(({ name }) => name)
        .join(', ')}`,
    });
  }
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { ...model, graph: { ...graph, initializer, node, ...outputsOf(graph, output) } }),
  );
}

/** One output in place of all; of an inner tensor its type, float32, and not its shape is stated. */
function outputsOf(graph: GraphProto, output: string | undefined): Partial<Pick<GraphProto, 'output'>> {
  if (output === undefined) return {};
  const present = graph.output.find(({ name }) => name === output);
  const inner = create(ValueInfoProtoSchema, { name: output, type: { tensorType: { elemType: DataType.FLOAT } } });
  return { output: [present ?? inner] };
}
