// A second, independent writer of Caffe models for tests: NetParameter's fields written one by one, in both generations.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A layer with weights. */
export interface CaffeLayerPart {
  readonly name: string;
  /** The type's name; in the old format its number. */
  readonly type: string | number;
  readonly blobs: readonly { readonly shape: readonly number[]; readonly data: Float32Array }[];
}

/** The bytes of a .caffemodel of today's format (`layer`, blobs with a shape, packed floats). */
export function writeCaffeModel(layers: readonly CaffeLayerPart[]): Uint8Array {
  const net = new BinaryWriter();
  net.tag(1, WireType.LengthDelimited).string('test');
  for (const { name, type, blobs } of layers) {
    net.tag(100, WireType.LengthDelimited).fork();
    net.tag(1, WireType.LengthDelimited).string(name);
    net.tag(2, WireType.LengthDelimited).string(String(type));
    for (const { shape, data } of blobs) {
      net.tag(7, WireType.LengthDelimited).fork();
      net.tag(5, WireType.LengthDelimited).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      net.tag(7, WireType.LengthDelimited).fork();
      net.tag(1, WireType.LengthDelimited).fork();
      for (const dim of shape) net.int64(dim);
      net.join().join().join();
    }
    net.join();
  }
  return net.finish();
}

/** The bytes of an old file (`layers` with numbered types, four-dimensional blobs, floats one by one). */
export function writeOldCaffeModel(layers: readonly CaffeLayerPart[]): Uint8Array {
  const net = new BinaryWriter();
  for (const { name, type, blobs } of layers) {
    net.tag(2, WireType.LengthDelimited).fork();
    net.tag(4, WireType.LengthDelimited).string(name);
    net.tag(5, WireType.Varint).int32(Number(type));
    for (const { shape, data } of blobs) {
      net.tag(6, WireType.LengthDelimited).fork();
      const four = [1, 1, 1, 1, ...shape].slice(-4);
      for (const [index, dim] of four.entries()) net.tag(index + 1, WireType.Varint).int32(dim);
      net.tag(5, WireType.LengthDelimited).fork();
      for (const value of data) net.float(value);
      net.join().join();
    }
    net.join();
  }
  return net.finish();
}
