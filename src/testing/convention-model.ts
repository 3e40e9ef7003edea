// For tests of finding input conventions: a network that tells people apart under one convention only, and crops of such people.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../common/random.js';
import { affine, averagePool2d, clip, flatten, Graph, serialize, shift, slice } from '../graph/index.js';
import { encodePicture } from '../images/index.js';
import { manifestName } from '../images/crop-manifest.js';
import { manifestOf } from './crop-manifest.js';

const size = 112;
/** A crop is a board of cells of this many pixels. */
const cell = 16;
const cells = size / cell;

/** What a network takes: the place of red among its channels, and how red was scaled. */
export interface TrueConvention {
  readonly channelOrder: 'RGB' | 'BGR';
  readonly mean: number;
  readonly scale: number;
}

/**
 * A network [n, 3, 112, 112] → [n, 49] without metadata, whose embedding is how dark the cells of the red channel are: from black to a
 * quarter. Brighter ones are all the same to it. Under another scaling the dark cells of {@link writeConventionCrops} fall outside of what it tells
 * apart, and in the other colour order it sees a channel that changes from photo to photo.
 */
export function conventionModel({ channelOrder, mean, scale }: TrueConvention, side = size): Uint8Array {
  const graph = new Graph();
  const images = graph.input('images', 'float32', [1, 3, side, side]);
  const red = channelOrder === 'RGB' ? 0 : 2;
  const channel = slice(images, { axes: [1], starts: [red], ends: [red + 1] });
  // Undoes the convention, up to 0 for black and 1 for white.
  const brightness = affine(channel, scale / 255, mean / 255);
  const darkness = clip(affine(brightness, -1, 0.25), 0, 0.25);
  const embedding = flatten(shift(averagePool2d(darkness, { kernel: cell, stride: cell }), -0.125));
  const batch = { 0: 'batch' };
  return serialize(graph, { outputs: { embedding }, dynamicAxes: { images: batch, embedding: batch } });
}

/** Writes crops of people who differ in the dark cells of red alone, and the manifest with them. */
export async function writeConventionCrops(folder: string, people: number, each = 3): Promise<void> {
  await mkdir(folder, { recursive: true });
  const manifest = { ...manifestOf(1), width: size, height: size };
  manifest.alignment.template = 'sphereface-112x112';
  await writeFile(join(folder, manifestName), JSON.stringify(manifest));
  for (let person = 0; person < people; person++) {
    const levels = levelsOf(new Random(11, person), 60);
    const name = join(folder, `person-${String(person).padStart(2, '0')}`);
    await mkdir(name);
    for (let photo = 0; photo < each; photo++) {
      const noise = new Random(12 + photo, person);
      const others = levelsOf(noise, 60);
      const data = new Uint8Array(size * size * 3);
      for (let pixel = 0; pixel < size * size; pixel++) {
        const at = Math.floor(pixel / size / cell) * cells + Math.floor((pixel % size) / cell);
        // Every second cell is bright, in every photo in another way.
        const bright = at % 2 === 1;
        data[pixel * 3] = bright ? 195 + others[at] : levels[at] + noise.integer(4);
        data[pixel * 3 + 1] = 128;
        data[pixel * 3 + 2] = others[at] + (bright ? 195 : 0);
      }
      await writeFile(join(name, `${photo}.png`), await encodePicture({ width: size, height: size, data }));
    }
  }
}

function levelsOf(random: Random, below: number): number[] {
  return Array.from({ length: cells * cells }, () => random.integer(below - 4));
}
