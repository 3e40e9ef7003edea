// `sphereface prepare`: photos in, aligned crops out, in one streaming pass that can be interrupted.
import type { Command } from 'commander';
import { describeFormats } from '../images/index.js';
import { Output, withCommonOptions } from './context.js';
import {
  type CropOptions,
  detectorWeights,
  type DetectOptions,
  type IdentityOptions,
  photoSettings,
  type ReadOptions,
  withCropOptions,
  withDetectOptions,
  withIdentityOptions,
  withReadOptions,
} from './faces-options.js';
import { preparePhotos } from './prepare-photos.js';
import { onRanks } from './ranks.js';

interface PrepareCommandOptions extends DetectOptions, CropOptions, ReadOptions, IdentityOptions {
  readonly output: string;
}

export function registerPrepare(program: Command): void {
  withCommonOptions(
    withCropOptions(
      withReadOptions(
        withIdentityOptions(
          withDetectOptions(
            program
              .command('prepare')
              .description(
                'detect and align the faces of photos in one pass; run it again for what is left or has changed',
              )
              .argument('<photos>', describeFormats())
              .requiredOption('-o, --output <folder>', 'where the aligned crops go'),
          ),
        ),
      ),
    ),
  ).action((photos: string, options: PrepareCommandOptions) =>
    onRanks(async (communicator) => {
      const out = new Output(options.json === true, communicator);
      const how = {
        settings: photoSettings(options),
        weights: async () => (await detectorWeights(options, out)).weights,
      };
      await preparePhotos(out, 'prepare', photos, options, how, communicator);
    }),
  );
}
