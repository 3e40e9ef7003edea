// How pixels become a network's input, as every model file states it of itself.
import { SphereFaceError } from '../common/errors.js';
import { type AlignmentSpec, describeAlignment, sameAlignment } from './alignment.js';
import type { CropFit } from './decode.js';

/** The input convention of a model: size, channel order, and `(pixel - mean) / scale` per channel, in that order. */
export interface InputSpec {
  readonly width: number;
  readonly height: number;
  readonly channelOrder: 'BGR' | 'RGB';
  readonly mean: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
  readonly alignment: AlignmentSpec;
}

/** The published system's convention: BGR, (x − 127.5) / 128, 112 high and 96 wide. */
export const publishedInput: InputSpec = {
  width: 96,
  height: 112,
  channelOrder: 'BGR',
  mean: [127.5, 127.5, 127.5],
  scale: [128, 128, 128],
  alignment: { template: 'sphereface-112x96', solver: 'cp2tform', version: 1 },
};

/** Refuses a crop of another size than a model takes. */
export function assertCropSize(spec: InputSpec, crop: { readonly width: number; readonly height: number }): void {
  if (crop.width === spec.width && crop.height === spec.height) return;
  throw new SphereFaceError('The picture does not have the size that the model takes.', {
    got: `${crop.width} wide, ${crop.height} high`,
    expected: `${spec.width} wide, ${spec.height} high (${describeAlignment(spec.alignment)})`,
    next: `align the photos for this model: sphereface prepare PHOTOS --size ${spec.height}x${spec.width} -o ALIGNED`,
  });
}

/**
 * The alignment that crops have for a network of this size. Those of the 112 × 112 template lose 8 columns on either side where 96 are
 * wanted, and are then those of the published template; those of the published one become those of 112 × 112 where they are padded.
 */
export function alignmentAsTaken(
  crops: AlignmentSpec,
  { width, height }: { readonly width: number; readonly height: number },
  fit: CropFit = 'exact',
): AlignmentSpec {
  const [narrow, wide] = [publishedInput.alignment.template, 'sphereface-112x112'];
  const cut = crops.template === wide && width === publishedInput.width && height === publishedInput.height;
  const padded = fit === 'pad' && crops.template === narrow && width === 112 && height === 112;
  return cut ? { ...crops, template: narrow } : padded ? { ...crops, template: wide } : crops;
}

/**
 * Refuses crops that were aligned in another way than a model was trained for: they would give embeddings, only worse
 * ones, and nobody would notice. `undefined` stands for crops that do not say how they were made, and passes.
 */
export function assertSameAlignment(spec: InputSpec, crops: AlignmentSpec | undefined): void {
  const { alignment } = spec;
  if (crops === undefined || sameAlignment(alignmentAsTaken(crops, spec), alignment)) return;
  throw new SphereFaceError('The crops were aligned in another way than the model takes.', {
    got: describeAlignment(crops),
    expected: describeAlignment(alignment),
    next: `align the photos again for this model: sphereface prepare PHOTOS --size ${spec.height}x${spec.width} --solver ${alignment.solver} -o ALIGNED`,
  });
}
