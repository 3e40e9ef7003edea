// Pictures as the tensor that a network takes: planes or pixels, float32, float16 or uint8; and rows of embeddings from what it gives.
import { Tensor } from 'onnxruntime-common';
import { fromFloat16, toFloat16 } from '../common/float16.js';
import { SphereFaceError } from '../common/errors.js';
import type { InputSpec } from '../images/input.js';
import { InputPacker, type PackedPicture } from '../images/packer.js';
import type { PicturePort } from './ports.js';

/** Makes the tensors of one network's input. */
export class PictureTensors {
  private readonly packer: InputPacker;

  constructor(
    readonly spec: InputSpec,
    private readonly port: PicturePort,
  ) {
    this.packer = new InputPacker(spec);
  }

  /**
   * A batch of `count` pictures; zeros after the last of `pictures`.
   * @throws SphereFaceError for a picture of another size than the model's
   */
  of(pictures: readonly PackedPicture[], count: number): Tensor {
    const { height, width } = this.spec;
    const planes = new Float32Array(count * this.packer.stride);
    this.packer.pack(pictures, planes);
    const values = this.port.layout === 'NCHW' ? planes : interleaved(planes, count, height * width);
    const shape = this.port.layout === 'NCHW' ? [count, 3, height, width] : [count, height, width, 3];
    switch (this.port.type) {
      case 'float32':
        return new Tensor('float32', values, shape);
      case 'float16':
        return new Tensor('float16', Uint16Array.from(values, toFloat16), shape);
      case 'uint8':
        return new Tensor('uint8', Uint8Array.from(values), shape);
      default:
        return this.port.type satisfies never;
    }
  }
}

/** [count, 3, pixels] as [count, pixels, 3]. */
function interleaved(planes: Float32Array, count: number, pixels: number): Float32Array {
  const values = new Float32Array(planes.length);
  for (let picture = 0; picture < count; picture++) {
    const start = picture * 3 * pixels;
    for (let channel = 0; channel < 3; channel++) {
      for (let i = 0; i < pixels; i++) values[start + i * 3 + channel] = planes[start + channel * pixels + i];
    }
  }
  return values;
}

/** The values of a network's output as float32. */
export function outputValues(tensor: Tensor | undefined, name: string): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  if (tensor?.type === 'float16') {
    // A Uint16Array of bit patterns, or where the engine has them a Float16Array: its bytes are the same patterns.
    const { buffer, byteOffset, byteLength } = tensor.data as Uint16Array;
    return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), fromFloat16);
  }
  throw new SphereFaceError(`The network's output ${name} is neither float32 nor float16.`, {
    got: tensor?.type ?? 'nothing',
  });
}
