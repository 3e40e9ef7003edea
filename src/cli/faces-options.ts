// The options that the commands on photos share: detector, choice of the face, alignment, crops.
import { cropFormats, type CropFormat } from '../images/index.js';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { faceChoices, type FaceChoice } from '../faces/choose.js';
import { missingFacePolicies, type MissingFacePolicy } from '../faces/align.js';
import { publishedDetector } from '../faces/mtcnn/detector.js';
import { type CropSettings, defaultCrop, defaultPhotoSettings, type PhotoSettings } from '../faces/photo.js';
import { similaritySolvers, type SimilaritySolver } from '../faces/similarity.js';
import { type CropSizeName, templates } from '../faces/template.js';
import { type LoadedWeights, loadMtcnnWeights } from '../faces/mtcnn/weights.js';
import { type CommonOptions, finiteNumber, type Output, positiveInteger } from './context.js';

export interface DetectOptions extends CommonOptions {
  readonly minSize: number;
  readonly factor: number;
  readonly thresholds: readonly [number, number, number];
  readonly choose: FaceChoice;
  readonly mirroredLandmarks: boolean;
  readonly maxPixels: number;
}

export interface CropOptions {
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
      new Option('--max-pixels <n>', 'refuse photos with more pixels')
        .argParser(positiveInteger)
        .default(defaultPhotoSettings.maxPixels),
    );
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
    .addOption(new Option('--format <format>', 'how crops are stored').choices(cropFormats).default(defaultCrop.format))
    .addOption(
      new Option('--quality <q>', 'JPEG quality, 1 to 100').argParser(jpegQuality).default(defaultCrop.quality),
    );
}

export function photoSettings(options: DetectOptions): Omit<PhotoSettings, 'crop'> {
  const { minSize, factor, thresholds, mirroredLandmarks, choose, maxPixels } = options;
  return { detector: { minSize, factor, thresholds, mirroredLandmarks }, choice: choose, maxPixels };
}

export function cropSettings({ size, solver, missing, format, quality }: CropOptions): CropSettings {
  return { size, solver, missing, format, quality };
}

/** The detector's weights: from `--models`, the cache, or the network, saying so when it fetches. */
export async function detectorWeights(options: CommonOptions, out: Output): Promise<LoadedWeights> {
  return loadMtcnnWeights({
    ...(options.models === undefined ? {} : { folder: options.models }),
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

function jpegQuality(text: string): number {
  const quality = positiveInteger(text);
  if (quality > 100) throw new InvalidArgumentError('expected 1 to 100');
  return quality;
}
