// The numbers of a stored ONNX tensor, whatever type they have.
import { SphereFaceError } from '../../common/errors.js';
import { fromFloat16 } from '../../common/float16.js';
import { type TensorProto, TensorProto_DataType as DataType } from '../../graph/onnx/onnx_pb.js';
import { countOf } from './known.js';

/** The numbers of a tensor with their shape. */
export interface DecodedTensor {
  readonly type: 'integer' | 'float';
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * Decodes a tensor: floating-point types widened to float32, integers as numbers.
 * @throws SphereFaceError for a tensor whose data does not fit its shape, lies in another file, or has another kind of element.
 */
export function decodeTensor(tensor: TensorProto): DecodedTensor {
  const shape = tensor.dims.map(Number);
  const wrong = (got: string): SphereFaceError =>
    new SphereFaceError(`The model's tensor "${tensor.name}" cannot be read.`, {
      got,
      expected: `${countOf(shape)} numbers for [${shape.join(', ')}]`,
    });
  const decoder = decoders.get(tensor.dataType);
  if (decoder === undefined) throw wrong(`element type ${tensor.dataType}`);
  if (tensor.dataLocation === external) throw wrong('a reference to another file');
  const { size, type } = decoder;
  const { rawData } = tensor;
  const data = rawData.length > 0 ? raw(rawData, size, decoder.at) : decoder.field(tensor);
  if (data.length !== countOf(shape)) throw wrong(`${data.length} numbers`);
  return { type, shape, data };
}

/** TensorProto.DataType.BFLOAT16. */
const bfloat16 = 16;
/** TensorProto.DataLocation.EXTERNAL. */
const external = 1;

interface Decoder {
  readonly type: DecodedTensor['type'];
  /** Bytes of an element in raw data. */
  readonly size: number;
  readonly at: (view: DataView, offset: number) => number;
  /** The elements of a tensor that has no raw data. */
  readonly field: (tensor: TensorProto) => ArrayLike<number>;
}

/** Raw data is little-endian and lies at any offset. */
function raw(bytes: Uint8Array, size: number, at: Decoder['at']): ArrayLike<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => at(view, i * size));
}

const half = (bits: number): number => fromFloat16(bits);
/** bfloat16 is the upper half of a float32. */
const brain = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0];

const decoders: ReadonlyMap<number, Decoder> = new Map<number, Decoder>([
  [DataType.FLOAT, { type: 'float', size: 4, at: (v, o) => v.getFloat32(o, true), field: (t) => t.floatData }],
  [DataType.DOUBLE, { type: 'float', size: 8, at: (v, o) => v.getFloat64(o, true), field: (t) => t.doubleData }],
  [
    DataType.FLOAT16,
    { type: 'float', size: 2, at: (v, o) => half(v.getUint16(o, true)), field: (t) => t.int32Data.map(half) },
  ],
  [
    bfloat16,
    { type: 'float', size: 2, at: (v, o) => brain(v.getUint16(o, true)), field: (t) => t.int32Data.map(brain) },
  ],
  [DataType.INT32, { type: 'integer', size: 4, at: (v, o) => v.getInt32(o, true), field: (t) => t.int32Data }],
  [
    DataType.INT64,
    { type: 'integer', size: 8, at: (v, o) => Number(v.getBigInt64(o, true)), field: (t) => t.int64Data.map(Number) },
  ],
  [DataType.UINT8, { type: 'integer', size: 1, at: (v, o) => v.getUint8(o), field: (t) => t.int32Data }],
  [DataType.BOOL, { type: 'integer', size: 1, at: (v, o) => v.getUint8(o), field: (t) => t.int32Data }],
]);
