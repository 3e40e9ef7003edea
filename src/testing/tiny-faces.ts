// For tests: a folder of tiny pictures by identity, easy to tell apart, and a recipe that learns them in seconds.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { Random } from '../common/random.js';
import { applySetting, builtInRecipe, parseRecipe, type Recipe } from '../training/index.js';

export const tinySize = 16;

export interface TinyFaces {
  readonly identities?: number;
  /** Pictures of each identity. */
  readonly each?: number;
  readonly seed?: number;
  /** The folder of an identity. */
  readonly nameOf?: (identity: number) => string;
}

/** Writes `identities` folders of `each` PNG pictures, 16 × 16: a random pattern per identity, with noise. */
export async function writeTinyFaces(folder: string, options: TinyFaces = {}): Promise<void> {
  const {
    identities = 6,
    each = 8,
    seed = 1,
    nameOf = (i: number) => `person-${String(i).padStart(2, '0')}`,
  } = options;
  const random = new Random(seed);
  for (let identity = 0; identity < identities; identity++) {
    const name = join(folder, nameOf(identity));
    await mkdir(name, { recursive: true });
    const cells = Array.from({ length: 4 * 4 * 3 }, () => random.between(40, 215));
    for (let image = 0; image < each; image++) {
      const pixels = Uint8Array.from({ length: tinySize * tinySize * 3 }, (_, i) => {
        const [channel, x, y] = [i % 3, Math.floor(i / 3) % tinySize, Math.floor(i / 3 / tinySize)];
        return cells[((y >> 2) * 4 + (x >> 2)) * 3 + channel] + random.between(-30, 30);
      });
      const picture = sharp(pixels, { raw: { width: tinySize, height: tinySize, channels: 3 } });
      await writeFile(join(name, `${String(image).padStart(2, '0')}.png`), await picture.png().toBuffer());
    }
  }
}

/** What makes the built-in recipe tiny, as `--set` takes it. */
export const tinySettings = [
  'input.width=16',
  'input.height=16',
  'network={depth: 4, widths: [4, 8, 8, 8], embeddingSize: 8, inputPooling: 1}',
  'solver={batchSize: 8, iterations: 60, baseLearningRate: 0.05, schedule: {type: constant}}',
  'solver.warmUp.iterations=0',
  'loss.margin.lambda={base: 100, gamma: 0.05, power: 2, minimum: 5}',
  'log={display: 5, checkpoint: 3, keep: 2}',
] as const;

/** The tiny recipe, with further settings on top. */
export function tinyRecipe(...settings: string[]): Recipe {
  return parseRecipe(
    [...tinySettings, ...settings].reduce<unknown>(applySetting, builtInRecipe('sphereface-m4-small')),
  );
}
