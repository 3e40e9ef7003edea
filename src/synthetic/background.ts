// What is behind a person: an out-of-focus scene of blocks and gradients.
import { Random } from '../common/random.js';
import { type Colour, mix, mixColour, noise } from './numeric.js';

/** Fills `picture`, `[height, width, 3]` linear, with a scene that `seed` determines. */
export function paintBackground(seed: number, width: number, height: number, picture: Float32Array): void {
  const random = new Random(seed, 1);
  const colour = (): Colour => {
    const grey = random.between(0.02, 0.6);
    return [grey * random.between(0.6, 1.4), grey * random.between(0.7, 1.3), grey * random.between(0.6, 1.4)];
  };
  // A small picture of rectangles, spread over the large one by bilinear interpolation: as if out of focus.
  const size = 8 + random.integer(26);
  const small = new Float32Array(size * size * 3);
  const top = colour();
  const bottom = colour();
  for (let y = 0, o = 0; y < size; y++) {
    for (let x = 0; x < size; x++, o += 3) small.set(mixColour(top, bottom, y / size), o);
  }
  for (let block = random.integer(9); block > 0; block--) {
    const fill = colour();
    const x0 = random.integer(size);
    const y0 = random.integer(size);
    const x1 = x0 + 1 + random.integer(size / 2);
    const y1 = y0 + 1 + random.integer(size);
    for (let y = y0; y < Math.min(y1, size); y++) {
      for (let x = x0; x < Math.min(x1, size); x++) small.set(fill, (y * size + x) * 3);
    }
  }
  const grain = random.between(0, 0.25);
  const pitch = random.between(3, 12);
  for (let y = 0, o = 0; y < height; y++) {
    const v = (y / height) * (size - 1);
    const y0 = Math.min(Math.floor(v), size - 2);
    for (let x = 0; x < width; x++, o += 3) {
      const u = (x / width) * (size - 1);
      const x0 = Math.min(Math.floor(u), size - 2);
      const corner = (y0 * size + x0) * 3;
      const below = corner + size * 3;
      const texture = 1 + grain * noise(seed, (x / width) * pitch, (y / height) * pitch);
      for (let channel = 0; channel < 3; channel++) {
        const upper = mix(small[corner + channel], small[corner + 3 + channel], u - x0);
        const lower = mix(small[below + channel], small[below + 3 + channel], u - x0);
        picture[o + channel] = mix(upper, lower, v - y0) * texture;
      }
    }
  }
}
