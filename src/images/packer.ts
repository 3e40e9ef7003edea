// From pixels to a network's input: channel order, scaling and an image's variation. Training and serving share it.
import { mirrorImage, unvaried, type Variation } from './augmentation.js';
import { assertCropSize, type InputSpec } from './input.js';
import type { Picture } from './source.js';

/** One picture's place in a batch. */
export interface PackedPicture {
  readonly picture: Picture;
  /** Whether its columns are written from right to left. */
  readonly mirrored: boolean;
}

/** Turns pictures into a network's input. Made once per model; holds the input's value of each of the 256 pixel values. */
export class InputPacker {
  /** Elements of one picture: 3 × height × width. */
  readonly stride: number;
  private readonly plain: readonly Float32Array[];
  private readonly varied: readonly Float32Array[];

  constructor(readonly spec: InputSpec) {
    this.stride = 3 * spec.height * spec.width;
    this.plain = this.tables();
    this.varied = this.tables();
    this.fill(this.plain, unvaried);
  }

  /**
   * Writes `pictures` into `target` as float32 [pictures, 3, height, width].
   * @throws SphereFaceError for a picture of another size than the model's.
   */
  pack(pictures: readonly PackedPicture[], target: Float32Array): void {
    for (const [slot, { picture, mirrored }] of pictures.entries()) {
      assertCropSize(this.spec, picture);
      this.write(picture.data, mirrored ? mirrorImage : unvaried, target, slot);
    }
  }

  /**
   * Writes one crop, varied, into a batch.
   * @param crop RGB, interleaved, of the spec's size
   * @param target the batch, float32 [images, 3, height, width]
   * @param slot the image's place in it
   */
  write(crop: Uint8Array, variation: Variation, target: Float32Array, slot: number): void {
    const { width, height, channelOrder } = this.spec;
    const { mirrored, shiftX, shiftY } = variation;
    const tables = this.tablesFor(variation);
    // The part of the row that the shifted crop covers, and where in the crop it starts and which way it is read.
    const left = Math.min(width, Math.max(0, shiftX));
    const right = Math.max(left, Math.min(width, width + shiftX));
    const first = (mirrored ? width - 1 - (left - shiftX) : left - shiftX) * 3;
    const step = mirrored ? -3 : 3;
    for (let channel = 0; channel < 3; channel++) {
      const table = tables[channel];
      const source = first + (channelOrder === 'BGR' ? 2 - channel : channel);
      for (let y = 0; y < height; y++) {
        const row = slot * this.stride + (channel * height + y) * width;
        const sourceY = y - shiftY;
        if (sourceY < 0 || sourceY >= height) {
          target.fill(0, row, row + width);
          continue;
        }
        if (left > 0) target.fill(0, row, row + left);
        if (right < width) target.fill(0, row + right, row + width);
        let from = sourceY * width * 3 + source;
        for (let x = row + left; x < row + right; x++, from += step) target[x] = table[crop[from]];
      }
    }
  }

  private tables(): readonly Float32Array[] {
    return this.spec.mean.map(() => new Float32Array(256));
  }

  /** The input's value of each pixel value, by channel; for changed light written anew into the same arrays. */
  private tablesFor(variation: Variation): readonly Float32Array[] {
    if (variation.gain === 1 && variation.offset === 0) return this.plain;
    this.fill(this.varied, variation);
    return this.varied;
  }

  private fill(tables: readonly Float32Array[], { gain, offset }: Variation): void {
    const { mean, scale } = this.spec;
    for (const [channel, table] of tables.entries()) {
      for (let pixel = 0; pixel < 256; pixel++) {
        const changed = Math.min(255, Math.max(0, (pixel - 127.5) * gain + 127.5 + offset));
        table[pixel] = (changed - mean[channel]) / scale[channel];
      }
    }
  }
}
