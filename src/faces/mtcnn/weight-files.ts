// The files of MTCNN's published weights, in either of their formats: read from bytes, and checked against committed digests whatever
// their source.
import { messageOf, SphereFaceError } from '../../common/errors.js';
import { sha256Hex } from '../../common/sha256.js';
import { sizeOf } from '../../graph/index.js';
import { readCaffeModel } from '../../models/caffe/read.js';
import { readTfliteConstants } from '../../models/tflite.js';
import {
  type MtcnnWeights,
  type NetworkName,
  networkNames,
  networks,
  type WeightSlot,
  weightSlots,
} from './networks.js';

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
export interface WeightFormat {
  readonly files: Readonly<Record<NetworkName, string>>;
  readonly read: (bytes: Uint8Array, network: NetworkName) => readonly Float32Array[];
}

export const caffeFormat: WeightFormat = {
  files: { pnet: 'det1.caffemodel', rnet: 'det2.caffemodel', onet: 'det3.caffemodel' },
  read: readCaffe,
};
export const tfliteFormat: WeightFormat = {
  files: { pnet: 'pnet.tflite', rnet: 'rnet.tflite', onet: 'onet.tflite' },
  read: readTflite,
};
/** All of them; the first whose files are there is read. */
export const weightFormats: readonly WeightFormat[] = [caffeFormat, tfliteFormat];

/**
 * The weights in the files of one of the formats, by their names.
 * @throws SphereFaceError when files are missing, or their arrays are not the published ones.
 */
export function readMtcnnFiles(files: ReadonlyMap<string, Uint8Array>): MtcnnWeights {
  const format = weightFormats.find(({ files: names }) => networkNames.every((network) => files.has(names[network])));
  if (format === undefined) {
    throw new SphereFaceError('These are not the files of the MTCNN weights.', {
      got: [...files.keys()].join(', ') || 'no files',
      expected: describeWeightFiles(),
    });
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

/** The names of the files, format by format. */
export function describeWeightFiles(): string {
  return weightFormats.map((format) => Object.values(format.files).join(', ')).join('; or ');
}

/** SHA-256 over the arrays' bytes, one after the other. */
export function digestOf(arrays: readonly Float32Array[]): string {
  return sha256Hex(arrays.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)));
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
  const size = sizeOf(shape);
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
