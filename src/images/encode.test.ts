// Encoded pictures read back: PNG pixel for pixel, JPEG by quality and without chroma subsampling.
import { describe, expect, it } from 'vitest';
import { decodeCrop } from './decode.js';
import { encodePicture } from './encode.js';

const picture = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i * 14) };

describe('encodePicture', () => {
  it('gives a PNG of the same pixels', async () => {
    const { width, height, data } = await decodeCrop(await encodePicture(picture), picture);
    expect({ width, height, data: Uint8Array.from(data) }).toEqual(picture);
  });

  it('gives a JPEG of the quality asked for, without chroma subsampling', async () => {
    const [fine, coarse] = await Promise.all(
      [100, 5].map((quality) => encodePicture(picture, { format: 'jpg', quality })),
    );
    expect(coarse.length).toBeLessThan(fine.length);
    const { data } = await decodeCrop(fine, picture);
    expect(Math.max(...data.map((value, i) => Math.abs(value - picture.data[i])))).toBeLessThan(20);
    const frame = fine.findIndex((byte, i) => byte === 0xff && fine[i + 1] === 0xc0);
    // Sampling factors of the three components: 1×1 each.
    expect([11, 14, 17].map((offset) => fine[frame + offset])).toEqual([0x11, 0x11, 0x11]);
  });
});
