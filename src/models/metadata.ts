// What a model file says of itself, in the ONNX file's `metadata_props`, and the checks on reading it.
import { parse } from 'yaml';
import { z } from 'zod';
import { SphereFaceError } from '../common/errors.js';
import { parseJson } from '../common/json.js';
import { packageVersion } from '../common/version.js';
import { ModelFileError, readMetadataProps, withMetadataProps } from '../graph/onnx/index.js';
import type { InputSpec } from '../images/input.js';

/** Thresholds on the cosine similarity at given false-accept rates, and where they come from. */
export interface Calibration {
  /** The pairs it was measured on, in words: `LFW view 1, 1,000 pairs`. */
  readonly data: string;
  readonly genuinePairs: number;
  readonly impostorPairs: number;
  /** Whether the embeddings were concatenated with the mirrored pictures'. */
  readonly flip: boolean;
  readonly thresholds: readonly {
    readonly falseAcceptRate: number;
    readonly threshold: number;
    readonly trueAcceptRate: number;
  }[];
}

/** A model file's statements about itself. */
export interface ModelMetadata {
  readonly input: InputSpec;
  /** Length of an embedding, without the mirrored picture's. */
  readonly embeddingSize: number;
  /** The recipe it was trained with, in full (JSON), where known. */
  readonly recipe?: string;
  /** The version of this package that wrote the file; absent in foreign files. */
  readonly packageVersion?: string;
  readonly calibration?: Calibration;
}

const positive = z.number().int().positive().max(4096);
const three = z.tuple([z.number(), z.number(), z.number()]);

const inputSchema = z.strictObject({
  width: positive,
  height: positive,
  channelOrder: z.enum(['BGR', 'RGB']),
  mean: three,
  scale: three.refine((scale) => scale.every((value) => value !== 0), 'must not hold 0'),
  alignment: z.strictObject({ template: z.string().min(1), solver: z.string().min(1), version: z.number().int() }),
});

const rate = z.number().min(0).max(1);

const calibrationSchema = z.strictObject({
  data: z.string(),
  genuinePairs: z.number().int().min(0),
  impostorPairs: z.number().int().min(0),
  flip: z.boolean(),
  thresholds: z.array(
    z.strictObject({ falseAcceptRate: rate, threshold: z.number().min(-1).max(1), trueAcceptRate: rate }),
  ),
});

/** The keys under which model files (`metadata_props`) and weights files (`__metadata__`) carry their metadata. */
export const metadataKeys = {
  input: 'sphereface.input',
  identities: 'sphereface.identities',
  embeddingSize: 'sphereface.embedding_size',
  recipe: 'sphereface.recipe',
  packageVersion: 'sphereface.package_version',
  calibration: 'sphereface.calibration',
} as const;

/** The `metadata_props` of a model file. */
export function encodeMetadata(metadata: ModelMetadata): Record<string, string> {
  const { input, embeddingSize, recipe, calibration } = metadata;
  return {
    [metadataKeys.input]: JSON.stringify(input),
    [metadataKeys.embeddingSize]: String(embeddingSize),
    ...(recipe === undefined ? {} : { [metadataKeys.recipe]: recipe }),
    [metadataKeys.packageVersion]: metadata.packageVersion ?? packageVersion,
    ...(calibration === undefined ? {} : { [metadataKeys.calibration]: JSON.stringify(calibration) }),
  };
}

/**
 * The metadata among a file's `metadata_props`; `undefined` for a file that states no input convention, a foreign one.
 * @throws SphereFaceError for statements that cannot be understood.
 */
export function decodeMetadata(props: ReadonlyMap<string, string>, path: string): ModelMetadata | undefined {
  const input = props.get(metadataKeys.input);
  if (input === undefined) return undefined;
  const recipe = props.get(metadataKeys.recipe);
  const version = props.get(metadataKeys.packageVersion);
  const calibration = props.get(metadataKeys.calibration);
  const size = Number(props.get(metadataKeys.embeddingSize));
  if (!Number.isInteger(size) || size < 1) {
    throw new SphereFaceError(`${path}: the embedding size in the model's metadata is not a number.`, {
      got: String(props.get(metadataKeys.embeddingSize)),
      expected: `a positive integer under ${metadataKeys.embeddingSize}`,
    });
  }
  return {
    input: parseInputSpec(input, `${path}, ${metadataKeys.input}`),
    embeddingSize: size,
    ...(recipe === undefined ? {} : { recipe }),
    ...(version === undefined ? {} : { packageVersion: version }),
    ...(calibration === undefined
      ? {}
      : { calibration: parseJson(calibrationSchema, calibration, `${path}, ${metadataKeys.calibration}`) }),
  };
}

/**
 * A model with some of its metadata changed, for instance its calibration. The network's bytes stay as they are.
 * @param path names it in errors.
 * @throws ModelFileError for a foreign model: it states no input convention.
 */
export function withMetadata(model: Uint8Array, changes: Partial<ModelMetadata>, path: string): Uint8Array {
  const props = readMetadataProps(model, path);
  const stated = decodeMetadata(props, path);
  if (stated === undefined) {
    throw new ModelFileError(`${path} states no input convention, so there is no metadata to change.`, {
      next: `make it a model of its own first: sphereface import ${path} --input-spec FILE -o MODEL`,
    });
  }
  for (const [key, value] of Object.entries(encodeMetadata({ ...stated, ...changes }))) props.set(key, value);
  return withMetadataProps(model, props, path);
}

/** Parses an input specification (JSON or YAML): the form of `--input-spec` and of `<model>.onnx.json` sidecars. */
export function parseInputSpec(text: string, where: string): InputSpec {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    // Said below, as of text that is no JSON.
    return parseJson(inputSchema, text, where);
  }
  return parseJson(inputSchema, JSON.stringify(value) ?? '', where);
}
