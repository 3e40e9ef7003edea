// Models from elsewhere made into model files: Caffe nets as graphs, ONNX files with the input convention written in.
import { readFile } from 'node:fs/promises';
import { toBinary } from '@bufbuild/protobuf';
import { SphereFaceError, UsageError, messageOf } from '../common/errors.js';
import { flatten, serialize, type Value } from '../graph/index.js';
import { ModelProtoSchema } from '../graph/onnx/onnx_pb.js';
import { buildCaffeNet, type CaffeNet, weightsOf } from './caffe/build.js';
import { parseDefinition } from './caffe/definition.js';
import { readCaffeModel } from './caffe/read.js';
import { type InputSpec, publishedInput } from '../images/input.js';
import { encodeMetadata } from './metadata.js';
import {
  type ParsedModel,
  type Parameter,
  parseModel,
  portsOf,
  readMetadataProps,
  withMetadataProps,
} from '../graph/onnx/index.js';
import { readWholeModel } from './external-data.js';
import { readModelFile } from './model-file.js';
import { embeddingPort } from './ports.js';

/** A model that was made of a foreign one. */
export interface ImportedModel {
  /** The bytes of the model file. */
  readonly model: Uint8Array;
  readonly input: InputSpec;
  readonly embeddingSize: number;
  /** The blob or output that became the embedding. */
  readonly output: string;
  /** The weights that the embedding is computed with, by name. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** The weights that it does not use: a classifier's, and those of whatever else follows it. */
  readonly classifiers: ReadonlyMap<string, Parameter>;
  /** Layers of training that were left out. */
  readonly skipped: readonly string[];
}

/** How to import a Caffe model. */
export interface ImportCaffeOptions {
  /** The blob that becomes the embedding, any of the net's; its only open output by default. */
  readonly output?: string;
  /** The input convention; the published system's by default, if the net takes such pictures. */
  readonly inputSpec?: InputSpec;
}

/**
 * Imports a Caffe model by its definition.
 * @throws SphereFaceError for layers that are not known, weights that do not fit, and nets whose input or output is not clear.
 */
export async function importCaffe(
  paths: { readonly prototxt: string; readonly caffemodel: string },
  options: ImportCaffeOptions = {},
): Promise<ImportedModel> {
  const definition = parseDefinition(await readText(paths.prototxt), paths.prototxt);
  const weights = readCaffeModel(await readModelFile(paths.caffemodel));
  const input = options.inputSpec ?? publishedInput;
  const net = buildCaffeNet(definition, weights, { picture: [3, input.height, input.width] });
  const [, channels, height, width] = net.images.shape;
  if (channels !== 3 || height !== input.height || width !== input.width) {
    throw new SphereFaceError(`The net of ${paths.prototxt} takes other pictures than the input convention states.`, {
      got: `pictures [${channels}, ${height}, ${width}]`,
      expected: `[3, ${input.height}, ${input.width}]`,
      next: 'describe its input with --input-spec FILE (docs/formats.md shows one)',
    });
  }
  const [output, value] = embeddingOf(net, options.output);
  const row = value.shape.slice(1);
  const embeddingSize = row.reduce((product, dim) => product * dim, 1);
  // Feature maps become a row of values, as an inner product would take them.
  const embedding = row.filter((dim) => dim !== 1).length > 1 ? flatten(value) : value;
  const batch = { 0: 'batch' };
  const model = serialize(net.graph, {
    outputs: { embedding },
    metadata: encodeMetadata({ input, embeddingSize }),
    dynamicAxes: { images: batch, embedding: batch },
  });
  const { needed: parameters, others } = weightsOf(net, value);
  const classifiers = new Map([...others, ...net.classifiers]);
  return { model, input, embeddingSize, output, parameters, classifiers, skipped: net.skipped };
}

function embeddingOf({ blobs, outputs }: CaffeNet, wanted?: string): readonly [string, Value] {
  const names = (some: ReadonlyMap<string, Value>): string => [...some.keys()].join(', ');
  if (wanted !== undefined) {
    const value = blobs.get(wanted);
    if (value === undefined)
      throw new UsageError(`The net has no blob "${wanted}".`, { expected: `one of ${names(blobs)}` });
    return [wanted, value];
  }
  const [only, ...others] = outputs;
  if (only === undefined || others.length > 0) {
    throw new UsageError('It is not clear which output of the net is the embedding.', {
      got: `outputs ${names(outputs) || 'none'}`,
      next: 'choose one with --blob NAME',
    });
  }
  return only;
}

/** What is known of a foreign ONNX model, for {@link importOnnx}. */
export interface ImportOnnxOptions {
  readonly input: InputSpec;
  readonly embeddingSize: number;
  /** The output that becomes the embedding, where several could. */
  readonly output?: string;
}

/**
 * Writes the input convention into a foreign ONNX model, leaves it the embedding as its only output, and takes in weights that lie beside
 * it. Its network stays as it is.
 */
export async function importOnnx(path: string, options: ImportOnnxOptions): Promise<ImportedModel> {
  const { input, embeddingSize } = options;
  const bytes = await readWholeModel(path);
  const parsed = parseModel(bytes, path);
  const { outputs } = portsOf(parsed);
  const { name } = embeddingPort(outputs, path, options.output);
  const props = readMetadataProps(bytes, path);
  for (const [key, value] of Object.entries(encodeMetadata({ input, embeddingSize }))) props.set(key, value);
  return {
    model: withMetadataProps(outputs.length === 1 ? bytes : withOutput(parsed, name), props, path),
    input,
    embeddingSize,
    output: name,
    parameters: new Map(),
    classifiers: new Map(),
    skipped: [],
  };
}

/** The model with one of its outputs only. What computes the others stays, and is skipped when it runs. */
function withOutput(model: ParsedModel, name: string): Uint8Array {
  const output = model.graph.output.filter((value) => value.name === name);
  return toBinary(ModelProtoSchema, { ...model, graph: { ...model.graph, output } });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`The definition ${path} cannot be read.`, {
      got: messageOf(error),
      next: "give the net's definition with --prototxt FILE",
      cause: error,
    });
  }
}
