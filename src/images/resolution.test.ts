// Pictures of fewer pixels: against means over areas and lines between centres, computed in another way.
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { blurred } from './resolution.js';
import type { Picture } from './source.js';

function noise(width: number, height: number): Picture {
  const random = new Random(width * 100 + height);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

/** One colour of a pixel of the small picture: the mean of `fine` samples a pixel over the area that it covers. */
function areaMean({ width, height, data }: Picture, [w, h]: readonly number[], x: number, y: number): number {
  const fine = 60;
  let sum = 0;
  for (let j = 0; j < fine; j++) {
    for (let i = 0; i < fine; i++) {
      const column = Math.floor(((x + (i + 0.5) / fine) * width) / w);
      const row = Math.floor(((y + (j + 0.5) / fine) * height) / h);
      sum += data[(row * width + column) * 3];
    }
  }
  return sum / fine ** 2;
}

describe('a picture of fewer pixels', () => {
  it.each([
    [12, 10, 12, 10],
    [12, 10, 6, 5],
    [12, 10, 5, 4],
    [9, 7, 4, 1],
    [6, 6, 1, 1],
  ])('of %i × %i reduced to %i × %i is linear between the means of areas', (width, height, w, h) => {
    const picture = noise(width, height);
    const { data } = blurred(picture, w, h);
    const small = Array.from({ length: h }, (_, y) =>
      Array.from({ length: w }, (__, x) => areaMean(picture, [w, h], x, y)),
    );
    const at = (x: number, y: number): number =>
      small[Math.min(h - 1, Math.max(0, y))][Math.min(w - 1, Math.max(0, x))];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [u, v] = [((x + 0.5) * w) / width - 0.5, ((y + 0.5) * h) / height - 0.5];
        const [left, top] = [Math.floor(u), Math.floor(v)];
        const row = (j: number): number => at(left, j) * (left + 1 - u) + at(left + 1, j) * (u - left);
        const expected = row(top) * (top + 1 - v) + row(top + 1) * (v - top);
        // Half a level of rounding; a sixtieth of a pixel of sampling is up to 4 levels of noise a side.
        expect(Math.abs(data[(y * width + x) * 3] - expected)).toBeLessThan(
          width % w === 0 && height % h === 0 ? 0.51 : 4,
        );
      }
    }
  });

  it('keeps what is of one colour, and the picture that it is given', () => {
    const plain: Picture = { width: 11, height: 7, data: new Uint8Array(231).fill(201) };
    expect(blurred(plain, 3, 2)).toEqual(plain);
    const picture = noise(8, 8);
    const before = picture.data.slice();
    blurred(picture, 3, 3);
    expect(picture.data).toEqual(before);
  });
});
