// Starting from another model: parameters are copied by name, and what matched and what did not is reported.
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SphereFaceError } from '../common/errors.js';
import { readParameters } from '../models/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { CheckpointStore } from './checkpoint.js';
import { decodeSafetensors, type Tensor } from '../models/safetensors.js';

/** What became of the parameters of the network and of the model they were to come from. */
export interface InitReport {
  readonly copied: readonly string[];
  /** In both, but of different shapes: the network keeps its fresh values. */
  readonly differing: readonly {
    readonly name: string;
    readonly network: readonly number[];
    readonly model: readonly number[];
  }[];
  /** Only in the network: fresh values. */
  readonly fresh: readonly string[];
  /** Only in the model. */
  readonly unused: readonly string[];
}

/** Parameters of an ONNX file, a safetensors file, a run (its newest checkpoint, classifier included) or one checkpoint. */
export async function readInitParameters(path: string): Promise<Map<string, Tensor>> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new SphereFaceError(`There is no model at ${path}.`, {
      expected: 'an .onnx or .safetensors file, or the folder of a run',
    });
  }
  if (!found.isDirectory()) {
    return path.endsWith('.safetensors') ? decodeSafetensors(await readFile(path)).tensors : readParameters(path);
  }
  const iteration = Number(basename(path));
  const isCheckpoint = Number.isInteger(iteration) && basename(dirname(path)) === 'checkpoints';
  const checkpoint = isCheckpoint
    ? await new CheckpointStore(dirname(path), 1).read(iteration)
    : await new CheckpointStore(join(path, 'checkpoints'), 1).latest();
  if (checkpoint === undefined) {
    throw new SphereFaceError(`The folder ${path} holds no checkpoint.`, {
      expected: 'the folder of a run, with checkpoints/ inside',
    });
  }
  return new Map(checkpoint.parameters);
}

/**
 * Copies parameters by name into `values`, in place.
 * @throws SphereFaceError when none matches: the model belongs to another kind of network.
 */
export function initializeFrom(
  specs: readonly ParameterSpec[],
  values: ReadonlyMap<string, Float32Array>,
  model: ReadonlyMap<string, Tensor>,
): InitReport {
  const copied: string[] = [];
  const differing: { name: string; network: readonly number[]; model: readonly number[] }[] = [];
  const fresh: string[] = [];
  for (const { name, shape } of specs) {
    const given = model.get(name);
    if (given === undefined) {
      fresh.push(name);
    } else if (given.shape.join() !== shape.join()) {
      differing.push({ name, network: shape, model: given.shape });
    } else {
      values.get(name)!.set(given.data);
      copied.push(name);
    }
  }
  const own = new Set(specs.map(({ name }) => name));
  const unused = [...model.keys()].filter((name) => !own.has(name));
  if (copied.length === 0) {
    throw new SphereFaceError('No parameter of the model fits the network of the recipe.', {
      got: `${[...model.keys()].slice(0, 4).join(', ') || 'no parameters'}, …`,
      expected: `${specs
        .slice(0, 4)
        .map(({ name, shape }) => `${name} [${shape.join(', ')}]`)
        .join(', ')}, …`,
      next: 'use the recipe that the model was trained with, or set network.depth, widths and embeddingSize to its own',
    });
  }
  return { copied, differing, fresh, unused };
}
