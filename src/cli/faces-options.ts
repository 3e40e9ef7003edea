// The options that the commands on photos share: detector, choice of the face, alignment, crops.
import { cropFormats, type CropFormat } from '../images/index.js';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type CropSettings,
  type CropSizeName,
  defaultCrop,
  defaultPhotoSeconds,
  defaultPhotoSettings,
  faceChoices,
  type FaceChoice,
  type LoadedWeights,
  loadMtcnnWeights,
  missingFacePolicies,
  type MissingFacePolicy,
  type PhotoSettings,
  publishedDetector,
  type RotationMode,
  rotationModes,
  similaritySolvers,
  type SimilaritySolver,
  templates,
} from '../faces/index.js';
import { type CommonOptions, finiteNumber, type Output, positiveInteger } from './context.js';

export interface DetectOptions extends CommonOptions {
  readonly minSize: number;
  readonly factor: number;
  readonly thresholds: readonly [number, number, number];
  readonly choose: FaceChoice;
  readonly mirroredLandmarks: boolean;
  readonly rotations: RotationMode;
  readonly maxPixels: number;
}

/** How far a photo is tried. */
export interface ReadOptions {
  readonly maxPixels: number;
  readonly photoSeconds: number;
  readonly strict?: boolean;
}

/** Who is on a photo, where folders do not tell. */
export interface IdentityOptions {
  readonly identityFrom?: string;
}

export interface CropOptions {
  readonly allFaces?: boolean;
  readonly size: CropSizeName;
  readonly solver: SimilaritySolver;
  readonly missing: MissingFacePolicy;
  readonly format: CropFormat;
  readonly quality: number;
}

/** Adds the detector's options, with the published values as defaults. */
export function withDetectOptions(command: Command): Command {
  const { minSize, factor, thresholds } = publishedDetector;
  return command
    .addOption(new Option('--min-size <pixels>', 'smallest face to look for').argParser(finiteNumber).default(minSize))
    .addOption(
      new Option('--factor <f>', 'ratio of one pyramid level to the one before')
        .argParser(finiteNumber)
        .default(factor),
    )
    .addOption(
      new Option('--thresholds <p,r,o>', 'least probability after each of the three networks')
        .argParser(threeNumbers)
        .default(thresholds, thresholds.join(',')),
    )
    .addOption(
      new Option('--choose <rule>', 'which face is the person, when there are several')
        .choices(faceChoices)
        .default(defaultPhotoSettings.choice),
    )
    .option('--no-mirrored-landmarks', 'place landmarks without averaging with the mirrored face (a little faster)')
    .addOption(
      new Option('--rotations <mode>', 'turn a photo in which no upright face is found, or take all as they are')
        .choices(rotationModes)
        .default(defaultPhotoSettings.rotations),
    )
    .addOption(maxPixels());
}

/** Adds what bounds the work on a photo, for commands that go through many. */
export function withReadOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--photo-seconds <s>', 'give a photo up after this time (a search in over 10 megapixels has more)')
        .argParser(positiveNumber)
        .default(defaultPhotoSeconds),
    )
    .option('--strict', 'refuse truncated and damaged photos; otherwise what is there of them is used, and said');
}

/** Adds how identities are told. */
export function withIdentityOptions(command: Command): Command {
  return command.option(
    '--identity-from <pattern>',
    'the person by the name instead of the folder: {identity}_*, or a regular expression with a group; makes the folders',
  );
}

/** The bound on a photo's size. */
export function maxPixels(): Option {
  return new Option('--max-pixels <n>', 'refuse photos with more pixels')
    .argParser(positiveInteger)
    .default(defaultPhotoSettings.maxPixels);
}

/** Adds the options of alignment and crops. */
export function withCropOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--size <size>', 'height x width of the crops')
        .choices(Object.keys(templates))
        .default(defaultCrop.size),
    )
    .addOption(
      new Option('--solver <solver>', 'how the similarity transform is solved')
        .choices(similaritySolvers)
        .default(defaultCrop.solver),
    )
    .addOption(
      new Option('--missing <policy>', 'photos without a face: leave out, crop around the centre, or stop')
        .choices(missingFacePolicies)
        .default(defaultCrop.missing),
    )
    .option('--all-faces', 'crops of all faces of a photo: 001.jpg is the person, 001~2.jpg the second face, …')
    .addOption(new Option('--format <format>', 'how crops are stored').choices(cropFormats).default(defaultCrop.format))
    .addOption(
      new Option('--quality <q>', 'JPEG quality, 1 to 100').argParser(jpegQuality).default(defaultCrop.quality),
    );
}

export function photoSettings(options: DetectOptions & Partial<ReadOptions>): Omit<PhotoSettings, 'crop'> {
  const { minSize, factor, thresholds, mirroredLandmarks, choose, rotations, maxPixels: most } = options;
  const detector = { minSize, factor, thresholds, mirroredLandmarks };
  return { detector, choice: choose, rotations, maxPixels: most, strict: options.strict === true };
}

export function cropSettings({ size, solver, missing, format, quality, allFaces }: CropOptions): CropSettings {
  return { size, solver, missing, format, quality, faces: allFaces === true ? 'all' : 'chosen' };
}

/** The detector's weights: from `--models`, the cache, or the network, saying so when it fetches. */
export async function detectorWeights(options: CommonOptions, out: Output): Promise<LoadedWeights> {
  return loadMtcnnWeights({
    ...(options.models === undefined ? {} : { models: options.models }),
    log: (line) => {
      out.line(line);
    },
  });
}

function threeNumbers(text: string): [number, number, number] {
  const numbers = text.split(',').map(finiteNumber);
  if (numbers.length !== 3) throw new InvalidArgumentError('expected three numbers: P-Net, R-Net, O-Net');
  return numbers as [number, number, number];
}

function positiveNumber(text: string): number {
  const value = finiteNumber(text);
  if (value <= 0) throw new InvalidArgumentError('expected a number above 0');
  return value;
}

function jpegQuality(text: string): number {
  const quality = positiveInteger(text);
  if (quality > 100) throw new InvalidArgumentError('expected 1 to 100');
  return quality;
}
