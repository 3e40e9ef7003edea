// ONNX files at the level of bytes: their metadata read and rewritten without touching the graph, their inputs, outputs and parameters.
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { type DescMessage, type MessageShape, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { SphereFaceError, messageOf } from '../common/errors.js';
import { writeFileAtomic } from '../common/atomic.js';
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from '../graph/onnx/onnx_pb.js';

/** Field numbers of ModelProto. */
const metadataField = 14;

/** The most bytes a protobuf file, and so an ONNX file without external data, can have. */
const maxModelBytes = 2 ** 31 - 1;

/** A model file that is no ONNX model, or one that cannot be used. */
export class ModelFileError extends SphereFaceError {}

/** Reads a model file into memory. */
export async function readModelFile(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw new ModelFileError(`The model ${path} cannot be opened.`, {
      got: messageOf(error),
      next: 'check the path; a model is an .onnx file, for instance RUN/model.onnx',
      cause: error,
    });
  });
  try {
    const { size } = await handle.stat();
    if (size > maxModelBytes) {
      throw new ModelFileError(`The model ${path} is too large for an ONNX file.`, { got: `${size} bytes` });
    }
    return await readFile(handle);
  } finally {
    await handle.close();
  }
}

/** The `metadata_props` of an ONNX model. The graph is skipped, not parsed. */
export function readMetadataProps(model: Uint8Array, path: string): Map<string, string> {
  const props = new Map<string, string>();
  for (const { field, body } of topLevelFields(model, path)) {
    if (field !== metadataField) continue;
    const { key, value } = decoded(StringStringEntryProtoSchema, body, path);
    props.set(key, value);
  }
  return props;
}

/** The same model with other `metadata_props`; every other byte stays as it is. */
export function withMetadataProps(model: Uint8Array, props: ReadonlyMap<string, string>, path: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { field, bytes } of topLevelFields(model, path)) if (field !== metadataField) parts.push(bytes);
  const writer = new BinaryWriter();
  for (const [key, value] of props) {
    const entry = toBinary(StringStringEntryProtoSchema, {
      $typeName: 'onnx.StringStringEntryProto',
      key,
      value,
    });
    writer.tag(metadataField, WireType.LengthDelimited).bytes(entry);
  }
  parts.push(writer.finish());
  return Buffer.concat(parts);
}

/** SHA-256 of all that computes: every byte but `metadata_props`, so that a calibration does not make it another network. */
export function networkDigest(model: Uint8Array, path: string): string {
  const hash = createHash('sha256');
  for (const { field, bytes } of topLevelFields(model, path)) if (field !== metadataField) hash.update(bytes);
  return hash.digest('hex');
}

/** A parsed model that has a graph. */
export type ParsedModel = ModelProto & { graph: GraphProto };

/** TensorProto.DataLocation.EXTERNAL: the tensor's data lies in another file. */
export const externalData = 1;

/**
 * Parses the whole model; tensors stay views into its bytes.
 * @throws ModelFileError for bytes that are no model, and for models whose weights lie in other files, which a model file
 *   from elsewhere could point anywhere.
 */
export function parseModel(model: Uint8Array, path: string): ParsedModel {
  const parsed = decoded(ModelProtoSchema, model, path);
  if (parsed.graph === undefined) throw notOnnx(path, 'it holds no graph');
  for (const tensor of tensorsOf(parsed.graph)) {
    if (tensor.dataLocation === externalData) {
      throw new ModelFileError(`${path} keeps weights in other files.`, {
        got: `the tensor ${tensor.name} lies outside the file`,
        expected: 'a model in one file',
        next: 'save the model with its weights inside, for instance with onnx.save(model, path) in Python',
      });
    }
  }
  return parsed as ParsedModel;
}

/** All tensors of a graph: initializers, constants in attributes, and those of inner graphs. */
function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const { attribute } of graph.node) {
    for (const { t, g } of attribute) {
      if (t !== undefined) yield t;
      if (g !== undefined) yield* tensorsOf(g);
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
    inputs: graph.input.filter(({ name }) => !parameters.has(name)).map(portOf),
    outputs: graph.output.map(portOf),
  };
}

function portOf({ name, type }: ValueInfoProto): Port {
  const tensor = type?.tensorType;
  const shape = (tensor?.shape?.dim ?? []).map(({ dimValue }) => (dimValue > 0n ? Number(dimValue) : undefined));
  return { name, elementType: tensor?.elemType ?? 0, shape };
}

/** Writes a model file, whole or not at all. */
export async function writeModel(path: string, model: Uint8Array): Promise<void> {
  await writeFileAtomic(path, model);
}

interface TopLevelField {
  readonly field: number;
  /** The record with its tag. */
  readonly bytes: Uint8Array;
  /** What follows the tag and, for length-delimited fields, the length. */
  readonly body: Uint8Array;
}

function* topLevelFields(model: Uint8Array, path: string): Generator<TopLevelField> {
  const reader = new BinaryReader(model);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    let field: number;
    let body: Uint8Array;
    try {
      const [number, type] = reader.tag();
      field = number;
      const afterTag = reader.pos;
      if (type === WireType.LengthDelimited) {
        body = reader.bytes();
      } else {
        reader.skip(type, number);
        body = model.subarray(afterTag, reader.pos);
      }
    } catch (error) {
      throw notOnnx(path, error);
    }
    yield { field, bytes: model.subarray(start, reader.pos), body };
  }
}

function decoded<S extends DescMessage>(schema: S, bytes: Uint8Array, path: string): MessageShape<S> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw notOnnx(path, error);
  }
}

function notOnnx(path: string, cause: unknown): ModelFileError {
  return new ModelFileError(`${path} is not an ONNX model.`, {
    got: messageOf(cause),
    next: 'import models of other kinds first: sphereface import FOREIGN -o MODEL',
    cause,
  });
}
