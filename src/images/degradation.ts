// Random losses of quality, as small, compressed and partly hidden faces have them: how much of each may come, and one image's by its draws.
import { Random } from '../common/random.js';
import type { AugmentationDraws } from './augmentation.js';
import { blurred } from './resolution.js';
import type { Picture } from './source.js';

/** Which losses there may be; null: none of the kind. They come in this order. */
export interface DegradationOptions {
  /** With probability `chance` reduced to 1 / (1 … `factor`) of the pixels a side, every ratio as likely, and enlarged again. */
  readonly lowResolution: { readonly chance: number; readonly factor: number } | null;
  /** With probability `chance` through JPEG of a quality from `quality` to 95. */
  readonly jpeg: { readonly chance: number; readonly quality: number } | null;
  /**
   * With probability `chance` a rectangle of up to `side` of each side is made grey, its centre anywhere (DeVries and Taylor, 2017).
   */
  readonly cutOut: { readonly chance: number; readonly side: number } | null;
}

/** What one image loses. */
export interface Degradation {
  readonly resolution: { readonly width: number; readonly height: number } | undefined;
  readonly quality: number | undefined;
  /** First and last column and row, the last ones exclusive, within the picture. */
  readonly hole: Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>> | undefined;
}

/** Encodes a picture as JPEG of a quality, 1 to 100, and decodes it again. */
export type JpegRoundTrip = (picture: Picture, quality: number) => Promise<Picture>;

const bestQuality = 95;
const grey = 128;

/** Whether nothing can be lost. */
export function isLossless({ lowResolution, jpeg, cutOut }: DegradationOptions): boolean {
  return lowResolution === null && jpeg === null && cutOut === null;
}

/**
 * What an image loses by its draws. The numbers come from a generator of its own that the draws seed, so that a recipe without losses, and
 * one with others, draws the same images and variations.
 */
export function degradationOf(
  { lowResolution, jpeg, cutOut }: DegradationOptions,
  { lightDraw }: Pick<AugmentationDraws, 'lightDraw'>,
  { width, height }: Pick<Picture, 'width' | 'height'>,
): Degradation {
  const random = new Random(Math.floor(lightDraw[0] * 2 ** 53), degradationStream);
  // Drawn for every kind, so that one does not change another.
  const [small, factor, coarse, quality, covered, x, y, across, down] = Array.from({ length: 9 }, () =>
    random.uniform(),
  );
  const reduced = ({ factor: most }: NonNullable<DegradationOptions['lowResolution']>): Degradation['resolution'] => {
    const side = (size: number): number => Math.max(1, Math.round(size / most ** factor));
    return { width: side(width), height: side(height) };
  };
  const holeOf = ({ side }: NonNullable<DegradationOptions['cutOut']>): Degradation['hole'] => {
    const stretch = (size: number, centre: number, length: number): readonly [number, number] => {
      const start = centre * size - length / 2;
      return [Math.max(0, Math.round(start)), Math.min(size, Math.round(start + length))];
    };
    const [left, right] = stretch(width, x, side * across * width);
    const [top, bottom] = stretch(height, y, side * down * height);
    return { left, right, top, bottom };
  };
  return {
    resolution: lowResolution !== null && small < lowResolution.chance ? reduced(lowResolution) : undefined,
    quality:
      jpeg !== null && coarse < jpeg.chance
        ? Math.round(jpeg.quality + (bestQuality - jpeg.quality) * quality)
        : undefined,
    hole: cutOut !== null && covered < cutOut.chance ? holeOf(cutOut) : undefined,
  };
}

/** Separates these numbers from those of the sampler. */
const degradationStream = 4;

/**
 * A crop with its losses; the one that is given stays as it is.
 * @param jpeg needed where a quality may be lost.
 */
export async function degraded(
  picture: Picture,
  { resolution, quality, hole }: Degradation,
  jpeg: JpegRoundTrip | undefined,
): Promise<Picture> {
  let result = picture;
  if (resolution !== undefined) result = blurred(result, resolution.width, resolution.height);
  if (quality !== undefined) result = await jpeg!(result, quality);
  if (hole !== undefined) result = { ...result, data: hidden(result, hole) };
  return result;
}

function hidden({ width, data }: Picture, { left, right, top, bottom }: NonNullable<Degradation['hole']>): Uint8Array {
  // Not `slice`: a decoder's Buffer would give the same memory.
  const copy = Uint8Array.from(data);
  for (let y = top; y < bottom; y++) copy.fill(grey, (y * width + left) * 3, (y * width + right) * 3);
  return copy;
}
