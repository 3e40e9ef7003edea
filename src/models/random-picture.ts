// Pictures to try a network on: smooth like faces, and the same for the same random numbers.
import type { Random } from '../common/random.js';
import type { InputSpec } from '../images/input.js';
import type { Picture } from '../images/source.js';

/** A sum of bilinear noise on grids of 4, 8 and 16 cells. */
export function randomPicture({ width, height }: Pick<InputSpec, 'width' | 'height'>, random: Random): Picture {
  const data = new Uint8Array(width * height * 3);
  const grids = [4, 8, 16].map((cells) => ({
    cells,
    values: Float32Array.from({ length: (cells + 1) ** 2 * 3 }, () => random.uniform() - 0.5),
  }));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0.5;
        for (const { cells, values } of grids) {
          const [u, v] = [(x / width) * cells, (y / height) * cells];
          const [i, j] = [Math.floor(u), Math.floor(v)];
          const at = (di: number, dj: number): number => values[((j + dj) * (cells + 1) + i + di) * 3 + channel];
          const upper = at(0, 0) * (i + 1 - u) + at(1, 0) * (u - i);
          const lower = at(0, 1) * (i + 1 - u) + at(1, 1) * (u - i);
          sum += (upper * (j + 1 - v) + lower * (v - j)) * Math.sqrt(4 / cells);
        }
        data[(y * width + x) * 3 + channel] = Math.max(0, Math.min(255, Math.round(sum * 255)));
      }
    }
  }
  return { width, height, data };
}
