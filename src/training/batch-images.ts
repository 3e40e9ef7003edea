// The images of a pass as a step takes them, and the form that a host packs: scaled float32.
import type { InputSpec } from '../images/input.js';
import { InputPacker } from '../images/packer.js';
import type { Variation } from '../images/augmentation.js';
import { float32, type Tensors } from '../runtime/index.js';

/** Room for the images of a pass, which is filled again and again. */
export interface BatchImages {
  /** The step's inputs that hold the images, over the same memory at all times. */
  readonly feeds: Tensors;
  /**
   * Puts one crop in its place.
   * @param crop RGB, interleaved, of the input's size. @param slot its place in the batch.
   */
  write(crop: Uint8Array, variation: Variation, slot: number): void;
}

/** Images packed by the host: the input `images`, float32 [n, 3, height, width]. */
export class PackedImages implements BatchImages {
  readonly feeds: Tensors;
  private readonly packer: InputPacker;
  private readonly data: Float32Array;

  constructor(input: InputSpec, count: number) {
    this.packer = new InputPacker(input);
    this.data = new Float32Array(count * this.packer.stride);
    this.feeds = { images: float32(this.data, [count, 3, input.height, input.width]) };
  }

  write(crop: Uint8Array, variation: Variation, slot: number): void {
    this.packer.write(crop, variation, this.data, slot);
  }
}
