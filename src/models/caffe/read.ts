// Reads a Caffe model file (.caffemodel): the layers by name, with their weights as typed arrays.
import { fromBinary } from '@bufbuild/protobuf';
import { messageOf, SphereFaceError } from '../../common/errors.js';
import { sizeOf } from '../../graph/index.js';
import { otherKind } from '../../graph/onnx/index.js';
import {
  type BlobProto,
  NetParameterSchema,
  type V1LayerParameter,
  V1LayerParameter_LayerType as V1Type,
} from './caffe_pb.js';

/** A tensor of weights, in Caffe's order: the last dimension is contiguous. */
export interface CaffeBlob {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface CaffeLayer {
  readonly name: string;
  /** Caffe's name of the layer type, `Convolution`, `InnerProduct`, `PReLU`, …; also for files with numbered types. */
  readonly type: string;
  readonly bottom: readonly string[];
  readonly top: readonly string[];
  /** Weights, then bias (where the layer has one); a PReLU has one blob of slopes. */
  readonly blobs: readonly CaffeBlob[];
}

export interface CaffeModel {
  readonly name: string;
  /** In the order of the file. */
  readonly layers: ReadonlyMap<string, CaffeLayer>;
}

/** Protocol buffers cannot be longer than this. */
const maxFileBytes = 2 ** 31 - 1;
/** Caffe's own limit on a blob's rank. */
const maxRank = 32;

/**
 * Parses a .caffemodel. Weights are copied out (aligned, and free of the file); a stored shape must match the number of
 * values exactly, so nothing larger than the file is ever allocated.
 * @throws SphereFaceError for anything that is not a whole Caffe model.
 */
export function readCaffeModel(bytes: Uint8Array): CaffeModel {
  if (bytes.length > maxFileBytes) {
    throw new SphereFaceError('The Caffe model is too large.', {
      got: `${bytes.length} bytes`,
      expected: `at most ${maxFileBytes}`,
    });
  }
  let net;
  try {
    net = fromBinary(NetParameterSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    const other = otherKind(bytes);
    throw new SphereFaceError('The file is not a readable Caffe model.', {
      got: other?.is ?? `${bytes.length} bytes: ${messageOf(error)}`,
      expected: 'a .caffemodel written by Caffe (a serialised NetParameter)',
      next: other?.next ?? 'download or copy the file again; a .prototxt holds no weights',
      cause: error,
    });
  }
  const layers = new Map<string, CaffeLayer>();
  const found = [
    ...net.layers.map((layer) => ({ ...parts(layer), type: v1TypeName(layer.type) })),
    ...net.layer.map((layer) => ({ ...parts(layer), type: layer.type })),
  ];
  for (const { blobs, ...layer } of found) {
    const read = { ...layer, blobs: blobs.map((blob, index) => readBlob(blob, `${layer.name}, blob ${index}`)) };
    const before = layers.get(layer.name);
    if (before !== undefined && before.blobs.length > 0 && read.blobs.length > 0) {
      throw new SphereFaceError(`The Caffe model has two layers named "${layer.name}" with weights.`);
    }
    if (before === undefined || read.blobs.length > 0) layers.set(layer.name, read);
  }
  if (layers.size === 0) {
    throw new SphereFaceError('The file holds no layers.', {
      got: `${bytes.length} bytes`,
      expected: 'a trained .caffemodel',
    });
  }
  return { name: net.name, layers };
}

/** The blobs of a layer, with the shapes they must have. */
export function blobsOf(
  model: CaffeModel,
  layer: string,
  shapes: readonly (readonly number[])[],
): readonly Float32Array[] {
  const blobs = model.layers.get(layer)?.blobs ?? [];
  const text = (list: readonly (readonly number[])[]) => list.map((shape) => `[${shape.join(', ')}]`).join(' and ');
  const fits = blobs.length === shapes.length && shapes.every((shape, i) => sameShape(shape, blobs[i].shape));
  if (!fits) {
    throw new SphereFaceError(`Layer "${layer}" of the Caffe model does not have the expected weights.`, {
      got: blobs.length === 0 ? 'no weights' : text(blobs.map((blob) => blob.shape)),
      expected: text(shapes),
    });
  }
  return blobs.map((blob) => blob.data);
}

/** Equal up to leading ones, as old files pad every shape to four dimensions. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const trimmed = (shape: readonly number[]) => {
    const first = shape.findIndex((dim) => dim !== 1);
    return first < 0 ? [] : shape.slice(first);
  };
  return trimmed(a).join() === trimmed(b).join();
}

function parts(layer: Pick<V1LayerParameter, 'name' | 'bottom' | 'top' | 'blobs'>) {
  return { name: layer.name, bottom: layer.bottom, top: layer.top, blobs: layer.blobs };
}

function readBlob(blob: BlobProto, where: string): CaffeBlob {
  const data = blob.data.length > 0 ? floats(blob.data, where) : doubles(blob.doubleData, where);
  const shape = blob.shape?.dim.map(Number) ?? [blob.num, blob.channels, blob.height, blob.width];
  const size = sizeOf(shape);
  if (shape.length > maxRank || shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0) || size !== data.length) {
    throw new SphereFaceError(`The Caffe model is inconsistent (${where}).`, {
      got: `${data.length} values`,
      expected: `as many as its shape says: [${shape.slice(0, maxRank).join(', ')}]`,
      next: 'download or copy the file again',
    });
  }
  return { shape, data };
}

function floats(chunks: readonly Uint8Array[], where: string): Float32Array {
  const bytes = join(chunks, 4, where);
  return new Float32Array(bytes.buffer);
}

function doubles(chunks: readonly Uint8Array[], where: string): Float32Array {
  const bytes = join(chunks, 8, where);
  return Float32Array.from(new Float64Array(bytes.buffer));
}

/** One aligned copy of the chunks: little-endian, as every platform that Node runs on. */
function join(chunks: readonly Uint8Array[], width: number, where: string): Uint8Array<ArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (length % width !== 0) {
    throw new SphereFaceError(`The Caffe model is damaged (${where}).`, {
      got: `${length} bytes of ${width}-byte numbers`,
    });
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** The types that carry weights or that a reader of old nets meets; the rest keep their enum name. */
const v1TypeNames: Partial<Record<V1Type, string>> = {
  [V1Type.CONVOLUTION]: 'Convolution',
  [V1Type.DECONVOLUTION]: 'Deconvolution',
  [V1Type.INNER_PRODUCT]: 'InnerProduct',
  [V1Type.POOLING]: 'Pooling',
  [V1Type.RELU]: 'ReLU',
  [V1Type.ELTWISE]: 'Eltwise',
  [V1Type.CONCAT]: 'Concat',
  [V1Type.DROPOUT]: 'Dropout',
  [V1Type.SOFTMAX]: 'Softmax',
  [V1Type.SOFTMAX_LOSS]: 'SoftmaxWithLoss',
  [V1Type.LRN]: 'LRN',
  [V1Type.SPLIT]: 'Split',
  [V1Type.DATA]: 'Data',
  [V1Type.IMAGE_DATA]: 'ImageData',
};

function v1TypeName(type: V1Type): string {
  return v1TypeNames[type] ?? V1Type[type] ?? `V1 type ${String(type)}`;
}
