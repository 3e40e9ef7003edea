// The network of a recipe where it lies in a file: read and checked before anything is begun, and copied into the run, which then holds
// all that it needs.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';
import { digestOf } from '../common/digest.js';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { exists } from '../common/exists.js';
import { type ParsedModel, parseModel, type Port, portsOf } from '../graph/onnx/index.js';
import type { InputSpec } from '../images/index.js';
import { readWholeModel, sidecarOf, statedInput } from '../models/index.js';
import { componentsOf, type Extensions } from './extensions.js';
import { modelOfWeights } from './model-of.js';
import { networkInput, ownInput } from './network-input.js';
import type { Recipe } from './recipe.js';

/** The copy of the network's file in a run's folder. */
const copyName = 'network.onnx';

/** A recipe whose network has been read from its file. */
export interface FileNetwork {
  /** States the file as the run's copy, its digest, the length of an embedding, and the input that the network takes. */
  readonly recipe: Recipe;
  /** Those given, with the opened backbone. */
  readonly extensions: Extensions;
  /** Where the file was. */
  readonly path: string;
  /** A model in one file. */
  readonly bytes: Uint8Array;
  /** Whether the file, or what stands for it, states the input; else the recipe alone does. */
  readonly statesInput: boolean;
  /** Whether the run's parameters start at the file's; else at those of another model. */
  readonly isStart: boolean;
}

/** What decides about a network in a file. */
export interface FileNetworkOptions {
  readonly recipe: Recipe;
  /** Of `input`, what the recipe states itself. */
  readonly statedInput?: Partial<InputSpec>;
  /** The input convention of a file that does not state its own. */
  readonly inputSpec?: InputSpec;
  /** A model that is the network where the recipe names no file. */
  readonly init?: string;
  readonly extensions?: Extensions;
}

/**
 * Reads the network of a recipe from its file.
 * @returns `undefined` where it lies in none.
 * @throws UsageError when no file is named, or recipe and file contradict each other; SphereFaceError for a model that cannot be trained.
 */
export async function openNetwork(options: FileNetworkOptions): Promise<FileNetwork | undefined> {
  const { recipe, extensions = {}, inputSpec } = options;
  const { backbone } = componentsOf(recipe, extensions);
  if (backbone.open === undefined) {
    if (inputSpec === undefined) return undefined;
    throw new UsageError('An input specification is for a network from a file.', {
      got: `network.type ${recipe.network.type}`,
      next: 'say what pictures become with input: in the recipe',
    });
  }
  const path = await fileOf(options);
  const bytes = await readWholeModel(path);
  const digest = digestOf(bytes);
  requireDigest(recipe, digest, path);
  const parsed = parseModel(bytes, path);
  const port = picturesOf(parsed, path);
  const stated = await statedInput({ bytes, parsed, path, sidecar: sidecarOf(path) }, inputSpec);
  const ofRecipe = { input: recipe.input, stated: options.statedInput ?? ownInput(recipe.input) };
  const input = networkInput(stated, ofRecipe, port, path);
  const opened = backbone.open(bytes, input, recipe.network);
  const { mean, scale, alignment } = input;
  return {
    recipe: {
      ...recipe,
      input: { ...input, mean: [...mean], scale: [...scale], alignment: { ...alignment } },
      network: { ...recipe.network, file: copyName, sha256: digest, embeddingSize: opened.embeddingSize },
    },
    extensions: { ...extensions, network: opened.backbone },
    path,
    bytes,
    statesInput: stated !== undefined,
    isStart: options.init === undefined || recipe.network.file === null,
  };
}

/** The model file of a network that has not been trained yet: it states its input, and is else the file that it came from. */
export function untrainedModel({ recipe, extensions }: FileNetwork): Uint8Array {
  return modelOfWeights(recipe, { parameters: new Map() }, extensions);
}

/** Writes a network's file into a run's folder, whole or not at all. */
export async function keepNetwork(folder: string, { bytes }: FileNetwork): Promise<void> {
  await writeFileAtomic(join(folder, copyName), bytes);
}

/**
 * The extensions of a run that goes on, with its network if that lies in a file: the run's own copy.
 * @throws SphereFaceError when the copy is gone, or is another file than the run was started with.
 */
export async function reopenNetwork(folder: string, recipe: Recipe, extensions: Extensions = {}): Promise<Extensions> {
  const { backbone } = componentsOf(recipe, extensions);
  if (backbone.open === undefined) return extensions;
  const path = join(folder, copyName);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new SphereFaceError(`The run ${folder} has lost its network.`, {
      got: `no readable ${copyName}`,
      next: `put the model that it was started from there under this name, or start a new run with --init ${folder}`,
      cause,
    });
  });
  requireDigest(recipe, digestOf(bytes), path);
  return { ...extensions, network: backbone.open(bytes, recipe.input, recipe.network).backbone };
}

/** The file that a recipe names, or the model that it shall start from. */
async function fileOf({ recipe, init }: FileNetworkOptions): Promise<string> {
  const { file } = recipe.network;
  if (typeof file === 'string') return file;
  if (init === undefined) {
    throw new UsageError(`The recipe ${recipe.name} takes its network from a model, and there is none.`, {
      next: 'give an ONNX file, or a finished run, with --init MODEL, or name a file with --set network.file=MODEL.onnx',
    });
  }
  const found = await stat(init).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError(`There is no model at ${init}.`, {
      expected: 'an .onnx file, or the folder of a finished run',
    });
  }
  if (!found.isDirectory()) return init;
  const model = join(init, 'model.onnx');
  if (await exists(model)) return model;
  throw new UsageError(`The folder ${init} holds no model.`, {
    expected: 'the folder of a finished run, with model.onnx inside',
    next: `finish it first: sphereface train --resume ${init}`,
  });
}

function requireDigest({ network, name }: Recipe, digest: string, path: string): void {
  const { sha256 } = network;
  if (typeof sha256 !== 'string' || sha256 === digest) return;
  throw new SphereFaceError(`${path} is not the model that the recipe ${name} states.`, {
    got: `SHA-256 ${digest}`,
    expected: sha256,
    next: 'restore the file, or leave network.sha256 out to take this one',
  });
}

/** The model's input for pictures, float32 [batch, 3, height, width] as far as it says. */
function picturesOf(model: ParsedModel, path: string): Port {
  const { inputs } = portsOf(model);
  const [port] = inputs;
  if (port !== undefined && inputs.length === 1 && port.shape.length === 4 && (port.shape[1] ?? 3) === 3) return port;
  throw new SphereFaceError(`${path} is not a network from pictures to embeddings that can be trained.`, {
    got: `inputs ${inputs.map(({ name, shape }) => `${name} [${shape.map((size) => size ?? '?').join(', ')}]`).join('; ') || 'none'}`,
    expected: 'one input [batch, 3, height, width]',
  });
}
