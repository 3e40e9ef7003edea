// `sphereface prepare`: photos in, aligned crops out, in one streaming pass that can be interrupted.
import type { Command } from 'commander';
import { describeFormats, openImageSource } from '../images/index.js';
import { prepare } from '../faces/prepare.js';
import { packageVersion } from '../common/version.js';
import { Output, Progress, withCommonOptions } from './context.js';
import {
  type CropOptions,
  cropSettings,
  detectorWeights,
  type DetectOptions,
  photoSettings,
  withCropOptions,
  withDetectOptions,
} from './faces-options.js';
import { reportAligned } from './faces-report.js';
import { untilInterrupted } from './interrupt.js';

interface PrepareCommandOptions extends DetectOptions, CropOptions {
  readonly output: string;
}

export function registerPrepare(program: Command): void {
  withCommonOptions(
    withCropOptions(
      withDetectOptions(
        program
          .command('prepare')
          .description('detect and align the faces of photos in one pass; run it again to go on after an interruption')
          .argument('<photos>', describeFormats())
          .requiredOption('-o, --output <folder>', 'where the aligned crops go'),
      ),
    ),
  ).action(async (photos: string, options: PrepareCommandOptions) => {
    const out = new Output(options.json === true);
    const settings = photoSettings(options);
    const { weights } = await detectorWeights(options, out);
    const source = await openImageSource(photos);
    try {
      const started = Date.now();
      using progress = new Progress('prepare', source.entries.length, 'photos');
      const { manifest, resumed } = await untilInterrupted((signal) =>
        prepare({
          source,
          output: options.output,
          settings,
          crop: cropSettings(options),
          weights,
          threads: options.threads,
          device: options.device,
          packageVersion,
          progress: (done) => {
            progress.update(done);
          },
          signal,
        }),
      );
      progress[Symbol.dispose]();
      reportAligned(out, options.output, manifest, { resumed, seconds: (Date.now() - started) / 1000 });
    } finally {
      await source.dispose();
    }
  });
}
