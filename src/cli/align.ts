// `sphereface align`: photos and their detections in, aligned crops out.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type Command, Option } from 'commander';
import { UsageError } from '../common/errors.js';
import { openImageSource } from '../images/index.js';
import { defaultPhotoSettings } from '../faces/photo.js';
import { type KnownDetections, prepare } from '../faces/prepare.js';
import { type DetectionRecord, parseDetection } from '../faces/records.js';
import { packageVersion } from '../common/version.js';
import { type CommonOptions, Output, positiveInteger, Progress, withCommonOptions } from './context.js';
import { type CropOptions, cropSettings, withCropOptions } from './faces-options.js';
import { reportAligned } from './faces-report.js';
import { untilInterrupted } from './interrupt.js';

interface AlignCommandOptions extends CommonOptions, CropOptions {
  readonly photos: string;
  readonly output: string;
  readonly maxPixels: number;
}

export function registerAlign(program: Command): void {
  withCommonOptions(
    withCropOptions(
      program
        .command('align')
        .description('cut the detected faces out of photos, aligned to the template')
        .argument('<detections>', 'what `sphereface detect` wrote')
        .requiredOption('--photos <photos>', 'the photos the detections are about: a folder or a zip')
        .requiredOption('-o, --output <folder>', 'where the aligned crops go'),
    ).addOption(
      new Option('--max-pixels <n>', 'refuse photos with more pixels')
        .argParser(positiveInteger)
        .default(defaultPhotoSettings.maxPixels),
    ),
  ).action(async (detections: string, options: AlignCommandOptions) => {
    const out = new Output(options.json === true);
    const known = await readDetections(detections);
    const source = await openImageSource(options.photos);
    try {
      const started = Date.now();
      using progress = new Progress('align', source.entries.length, 'photos');
      const { manifest, resumed } = await untilInterrupted((signal) =>
        prepare({
          source,
          output: options.output,
          settings: { ...defaultPhotoSettings, maxPixels: options.maxPixels },
          crop: cropSettings(options),
          known,
          threads: options.threads,
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

/** The detections by file. @throws SphereFaceError naming a line that is none, or a photo that has two. */
async function readDetections(path: string): Promise<KnownDetections> {
  await access(path).catch(() => {
    throw new UsageError(`There is nothing at ${path}.`, { next: 'run: sphereface detect PHOTOS -o detections.jsonl' });
  });
  const byFile = new Map<string, DetectionRecord>();
  const digest = createHash('sha256');
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++;
    digest.update(`${line}\n`);
    if (line.trim() === '') continue;
    const detection = parseDetection(line, number);
    if (byFile.has(detection.file)) {
      throw new UsageError(`${detection.file} has two lines in ${path}.`, { got: `the second is line ${number}` });
    }
    byFile.set(detection.file, detection);
  }
  return { find: (file) => byFile.get(file), digest: digest.digest('hex') };
}
