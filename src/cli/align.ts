// `sphereface align`: photos and their detections in, aligned crops out.
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { UsageError } from '../common/index.js';
import { defaultPhotoSettings, type DetectionRecord, type KnownDetections, parseDetection } from '../faces/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';
import {
  type CropOptions,
  type IdentityOptions,
  maxPixels,
  type ReadOptions,
  withCropOptions,
  withIdentityOptions,
  withReadOptions,
} from './faces-options.js';
import { preparePhotos } from './prepare-photos.js';

interface AlignCommandOptions extends CommonOptions, CropOptions, ReadOptions, IdentityOptions {
  readonly photos: string;
  readonly output: string;
}

export function registerAlign(program: Command): void {
  withCommonOptions(
    withCropOptions(
      withReadOptions(
        withIdentityOptions(
          program
            .command('align')
            .description('cut the detected faces out of photos, aligned to the template')
            .argument('<detections>', 'what `sphereface detect` wrote')
            .requiredOption('--photos <photos>', 'the photos the detections are about: a folder, a zip, or a photo')
            .requiredOption('-o, --output <folder>', 'where the aligned crops go')
            .addOption(maxPixels()),
        ),
      ),
    ),
  ).action(async (detections: string, options: AlignCommandOptions) => {
    const out = new Output(options.json === true);
    const known = await readDetections(detections);
    const settings = { ...defaultPhotoSettings, maxPixels: options.maxPixels, strict: options.strict === true };
    await preparePhotos(out, 'align', options.photos, options, { settings, known });
  });
}

/** The detections by file. @throws SphereFaceError naming a line that is none, or a photo that has two. */
async function readDetections(path: string): Promise<KnownDetections> {
  await access(path).catch(() => {
    throw new UsageError(`There is nothing at ${path}.`, { next: 'run: sphereface detect PHOTOS -o detections.jsonl' });
  });
  const byFile = new Map<string, DetectionRecord>();
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++;
    if (line.trim() === '') continue;
    const detection = parseDetection(line, number);
    if (byFile.has(detection.file)) {
      throw new UsageError(`${detection.file} has two lines in ${path}.`, { got: `the second is line ${number}` });
    }
    byFile.set(detection.file, detection);
  }
  return { find: (file) => byFile.get(file) };
}
