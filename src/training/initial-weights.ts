// Where a start's weights come from: a run, one of its checkpoints, a model file with the classifier beside it, or a safetensors file.
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { exists } from '../common/exists.js';
import { floatParameters, parseModel, readMetadataProps } from '../graph/onnx/index.js';
import { decodeMetadata, decodeWeights, readClassifier, readWholeModel, type Weights } from '../models/index.js';
import { CheckpointStore } from './checkpoint.js';

/**
 * Reads the weights at `path`: an ONNX file (with the classifier in `<model>.classifier.safetensors`, if that is there), a safetensors
 * file, a run (its newest checkpoint; without one, its model) or one checkpoint.
 * @throws UsageError when there is nothing at `path`; SphereFaceError for a folder without a checkpoint and for damaged files.
 */
export async function readInitialWeights(path: string): Promise<Weights> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError(`There is no model at ${path}.`, {
      expected: 'an .onnx or .safetensors file, or the folder of a run',
    });
  }
  if (found.isDirectory()) return fromFolder(path);
  return path.endsWith('.safetensors') ? decodeWeights(await readFile(path), path) : fromModel(path);
}

async function fromFolder(path: string): Promise<Weights> {
  const iteration = Number(basename(path));
  if (Number.isInteger(iteration) && basename(dirname(path)) === 'checkpoints') {
    return new CheckpointStore(dirname(path), 1).read(iteration);
  }
  const store = new CheckpointStore(join(path, 'checkpoints'), 1);
  const checkpoint = await store.latest();
  if (checkpoint !== undefined) return store.best(checkpoint);
  const model = join(path, 'model.onnx');
  if (await exists(model)) return fromModel(model);
  throw new SphereFaceError(`The folder ${path} holds no checkpoint.`, {
    expected: 'the folder of a run, with checkpoints/ or model.onnx inside',
  });
}

async function fromModel(path: string): Promise<Weights> {
  return weightsOf(await readWholeModel(path), path);
}

/** The weights in a model file's bytes, with the classifier beside the file at `path`, if that is there. */
export async function weightsOf(bytes: Uint8Array, path: string): Promise<Weights> {
  const parameters = floatParameters(parseModel(bytes, path), path);
  const input = decodeMetadata(readMetadataProps(bytes, path), path)?.input;
  const classifier = await readClassifier(path);
  return {
    parameters: new Map([...parameters, ...(classifier?.parameters ?? [])]),
    ...(classifier?.identities === undefined ? {} : { identities: classifier.identities }),
    ...(input === undefined ? {} : { input }),
  };
}
