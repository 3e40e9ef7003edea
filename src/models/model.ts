// A model file opened for use: pictures in, embeddings out, under the input convention that the file states of itself.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { messageOf, UsageError } from '../common/errors.js';
import type { InputSpec } from '../images/input.js';
import { type ModelMetadata, decodeMetadata, parseInputSpec, withMetadata } from './metadata.js';
import { type ParsedModel, parseModel, portsOf, readMetadataProps } from '../graph/onnx/index.js';
import { type EmbedderOptions, openEmbedder, type PictureEmbedder } from './embedder.js';
import { readWholeModel } from './external-data.js';
import { ownInput, unstatedInput } from './input-statement.js';
import { knownModel } from './known-models.js';
import { networkDigest, readModelFile, writeModel } from './model-file.js';
import { type StatedPictures, statedPictures } from './ports.js';

/** How to open a model. */
export interface OpenModelOptions extends EmbedderOptions {
  /** The input convention of a file that does not state its own. */
  readonly inputSpec?: InputSpec;
  /** Whether weights are read from files beside the model as well; by default such a model is refused, as one that is used is one file. */
  readonly weightsBeside?: boolean;
}

/** A model file: its path, its address (`file:`), or its bytes. */
export type ModelSource = string | URL | Uint8Array;

/** An open model file. */
export interface Model extends PictureEmbedder {
  /** SHA-256 (hexadecimal) of network and weights, without the metadata: embeddings of two models with one digest may be compared. */
  readonly digest: string;
}

/**
 * Opens a model. The input convention is the file's own; a foreign file's comes from `inputSpec`, from the sidecar `<path>.json`, or from
 * the table of published models.
 * @throws ModelFileError if the file is no usable model, if nothing states its input, or if `inputSpec` contradicts it.
 */
export async function openModel(source: ModelSource, options: OpenModelOptions = {}): Promise<Model> {
  const file = source instanceof URL ? fileURLToPath(source) : source;
  const inMemory = typeof file !== 'string';
  const path = inMemory ? 'the model' : file;
  const bytes = inMemory ? file : await (options.weightsBeside === true ? readWholeModel : readModelFile)(file);
  const stated = decodeMetadata(readMetadataProps(bytes, path), path);
  const parsed = parseModel(bytes, path);
  const sidecar = inMemory ? undefined : sidecarOf(file);
  const input = await statedInput({ bytes, parsed, path, sidecar }, options.inputSpec);
  if (input === undefined) {
    const beside = sidecar === undefined ? '' : ` in ${sidecar}, or`;
    throw unstatedInput(path, `an input specification${beside} given as \`inputSpec\``);
  }
  const embedder = await openEmbedder({ bytes, parsed, path, stated, input }, options);
  return { ...embedder, digest: networkDigest(bytes, path) };
}

/** The metadata of a model file without opening it for use; `undefined` for a foreign file. */
export async function readMetadata(path: string): Promise<ModelMetadata | undefined> {
  return decodeMetadata(readMetadataProps(await readModelFile(path), path), path);
}

/** What a model file's input says of the pictures that it takes; its weights may lie beside it. @throws ModelFileError for a file that is no model, or takes none. */
export async function picturesOf(path: string): Promise<StatedPictures> {
  return statedPictures(portsOf(parseModel(await readWholeModel(path), path)).inputs, path);
}

/** Rewrites some of a model file's metadata, for instance its calibration. The network's bytes stay as they are. */
export async function updateMetadata(path: string, changes: Partial<ModelMetadata>): Promise<void> {
  await writeModel(path, withMetadata(await readModelFile(path), changes, path));
}

/** A file that states the input convention of the model beside it. */
export function sidecarOf(path: string): string {
  return `${path}.json`;
}

/** Reads an input specification: a file (JSON or YAML), or its text itself, which begins with `{`. @throws UsageError for a file that is not there. */
export async function readInputSpec(given: string): Promise<InputSpec> {
  if (given.trimStart().startsWith('{')) return parseInputSpec(given, 'the input specification');
  const text = await readFile(given, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`The input specification ${given} cannot be read.`, {
      got: messageOf(cause),
      expected: 'a file (JSON or YAML), or the specification itself: {width: 112, height: 112, …}',
      next: 'see docs/formats.md',
      cause,
    });
  });
  return parseInputSpec(text, given);
}

/** A model's bytes, its path, and the file that may state its input convention. */
export interface StatingModel {
  readonly bytes: Uint8Array;
  readonly parsed: ParsedModel;
  /** Names it in errors. */
  readonly path: string;
  readonly sidecar?: string | undefined;
}

/**
 * The input convention of a model: its own statement, else `given`, else its sidecar's, else what is known of a published model; `undefined` where
 * nothing states one.
 * @throws ModelFileError if `given` contradicts the model.
 */
export async function statedInput(
  { bytes, parsed, path, sidecar }: StatingModel,
  given?: InputSpec,
): Promise<InputSpec | undefined> {
  const stated = ownInput(bytes, path, given);
  if (stated !== undefined) return stated;
  const text = sidecar === undefined ? undefined : await readFile(sidecar, 'utf8').catch(() => undefined);
  if (sidecar !== undefined && text !== undefined) return parseInputSpec(text, sidecar);
  return knownModel(parsed, path)?.input;
}
