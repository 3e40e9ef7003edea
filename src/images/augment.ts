// From a decoded crop to the network's input: channel order, scaling, and the random changes that make a small set larger.
import type { InputSpec } from './input.js';
import type { Sample } from '../training/sampler.js';

/** How crops are varied. */
export interface Augmentation {
  /** Probability of mirroring. */
  readonly mirror: number;
  /** Largest shift in pixels, each axis, each way. */
  readonly shift: number;
  /** Largest relative change of brightness and of contrast. */
  readonly light: number;
}

/** No variation: what inference uses. */
export const noAugmentation: Augmentation = { mirror: 0, shift: 0, light: 0 };

/**
 * Writes a crop as network input, augmented by the draws of its sample.
 * @param crop RGB, interleaved, `spec.width` × `spec.height`.
 * @param target the batch, NCHW; @param slot the image's place in it.
 */
export function writeInput(
  crop: Uint8Array,
  spec: InputSpec,
  augmentation: Augmentation,
  sample: Omit<Sample, 'index'>,
  target: Float32Array,
  slot: number,
): void {
  const { width, height } = spec;
  const mirrored = sample.mirrorDraw < augmentation.mirror;
  const [shiftX, shiftY] = sample.shiftDraw.map((draw) => wholeShift(draw, augmentation.shift));
  const gain = 1 + (2 * sample.lightDraw[0] - 1) * augmentation.light;
  const offset = (2 * sample.lightDraw[1] - 1) * augmentation.light * 128;
  // The part of the row that the shifted crop covers, and where in the crop it starts and which way it is read.
  const left = Math.max(0, shiftX);
  const right = Math.min(width, width + shiftX);
  const first = (mirrored ? width - 1 - (left - shiftX) : left - shiftX) * 3;
  const stride = mirrored ? -3 : 3;
  for (let channel = 0; channel < 3; channel++) {
    const table = lookup(spec.mean[channel], spec.scale[channel], gain, offset);
    const source = first + (spec.channelOrder === 'BGR' ? 2 - channel : channel);
    for (let y = 0; y < height; y++) {
      const row = ((slot * 3 + channel) * height + y) * width;
      const sourceY = y - shiftY;
      if (sourceY < 0 || sourceY >= height) {
        target.fill(0, row, row + width);
        continue;
      }
      target.fill(0, row, row + left).fill(0, row + right, row + width);
      let from = sourceY * width * 3 + source;
      for (let x = row + left; x < row + right; x++, from += stride) target[x] = table[crop[from]];
    }
  }
}

/** A draw in [0, 1) as one of −most … most. */
function wholeShift(draw: number, most: number): number {
  return Math.floor(draw * (2 * most + 1)) - most;
}

/** The network's value of each of the 256 pixel values; contrast turns about mid-grey, and values stay those of a picture. */
function lookup(mean: number, scale: number, gain: number, offset: number): Float32Array {
  const table = new Float32Array(256);
  for (let pixel = 0; pixel < 256; pixel++) {
    const changed = Math.min(255, Math.max(0, (pixel - 127.5) * gain + 127.5 + offset));
    table[pixel] = (changed - mean) / scale;
  }
  return table;
}
