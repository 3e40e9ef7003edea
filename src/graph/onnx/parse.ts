// An ONNX model from its bytes: parsed, with its inputs and outputs. Models come from anywhere: what cannot be used is refused by name.
import { type DescMessage, fromBinary, isFieldSet, type MessageShape } from '@bufbuild/protobuf';
import { messageOf, SphereFaceError } from '../../common/errors.js';
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
} from './onnx_pb.js';
import { otherKind } from './other-kinds.js';
import { isExternal } from './tensor-data.js';

/** A model file that is no ONNX model, or one that cannot be used. */
export class ModelFileError extends SphereFaceError {}

/** A parsed model that has a graph. */
export type ParsedModel = ModelProto & { graph: GraphProto };

/**
 * Parses the whole model; tensors stay views into its bytes. `source` names the model in errors.
 * @throws ModelFileError for bytes that are no model, and for models whose weights lie in other files, which a model file
 *   from elsewhere could point anywhere.
 */
export function parseModel(model: Uint8Array, source: string): ParsedModel {
  const parsed = decoded(ModelProtoSchema, model, source);
  if (parsed.graph === undefined) throw notOnnx(source, 'it holds no graph', model);
  for (const tensor of tensorsOf(parsed.graph)) {
    if (isExternal(tensor)) {
      throw new ModelFileError(`${source} keeps weights in other files.`, {
        got: `the tensor ${tensor.name} lies outside the file`,
        expected: 'a model in one file',
        next: `make one file of it: sphereface import ${source} -o OWN.onnx`,
      });
    }
  }
  return parsed as ParsedModel;
}

/** All tensors of a graph: initializers, constants in attributes, and those of inner graphs. */
export function* tensorsOf(graph: GraphProto | undefined): Generator<TensorProto> {
  if (graph === undefined) return;
  yield* graph.initializer;
  for (const { attribute } of graph.node) {
    for (const { t, g } of attribute) {
      if (t !== undefined) yield t;
      yield* tensorsOf(g);
    }
  }
}

/** A tensor that goes into or comes out of a model; `undefined` stands for a size that is left open. */
export interface Port {
  readonly name: string;
  /** ONNX element type: 1 is float32. */
  readonly elementType: number;
  readonly shape: readonly (number | undefined)[];
}

/** The inputs (without parameters) and outputs of a model. */
export function portsOf({ graph }: ParsedModel): {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
} {
  const parameters = new Set(graph.initializer.map(({ name }) => name));
  return {
    inputs: graph.input.filter(({ name }) => !parameters.has(name)).map((info) => portOf(info, 0n)),
    // Of what comes out the sizes are only said: 0 stands for what is not known.
    outputs: graph.output.map((info) => portOf(info, 1n)),
  };
}

function portOf({ name, type }: ValueInfoProto, least: bigint): Port {
  const tensor = type?.tensorType;
  const { dimValue } = TensorShapeProto_DimensionSchema.field;
  // Some exporters write -1 for what is open. A 0 is a size: the runtime takes nothing else.
  const shape = (tensor?.shape?.dim ?? []).map((dim) =>
    isFieldSet(dim, dimValue) && dim.dimValue >= least ? Number(dim.dimValue) : undefined,
  );
  return { name, elementType: tensor?.elemType ?? 0, shape };
}

/** Decodes a part of a model; `source` names the model in errors. */
export function decoded<S extends DescMessage>(schema: S, bytes: Uint8Array, source: string): MessageShape<S> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw notOnnx(source, error, bytes);
  }
}

/** The error for bytes that are no ONNX model, with what they are instead where that is known. */
export function notOnnx(source: string, cause: unknown, bytes: Uint8Array): ModelFileError {
  const other = otherKind(bytes);
  return new ModelFileError(`${source} is not an ONNX model.`, {
    got: other?.is ?? messageOf(cause),
    expected: 'an .onnx file',
    next:
      other?.next ??
      'download or copy the file again; a model of Caffe is imported first: sphereface import NET.caffemodel -o MODEL.onnx',
    cause,
  });
}
