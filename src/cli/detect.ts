// `sphereface detect`: photos in, a line of detections per photo out.
import { open, rename, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { SphereFaceError } from '../common/errors.js';
import { describeFormats, openImageSource } from '../images/index.js';
import { detectPhotos } from '../faces/detect-photos.js';
import { formatDetection, isUnreadable } from '../faces/records.js';
import { Output, Progress, withCommonOptions } from './context.js';
import { detectorWeights, type DetectOptions, photoSettings, withDetectOptions } from './faces-options.js';

interface DetectCommandOptions extends DetectOptions {
  readonly output: string;
}

/** How many photos are named on the terminal; the file names all. */
const named = 10;

export function registerDetect(program: Command): void {
  withCommonOptions(
    withDetectOptions(
      program
        .command('detect')
        .description('find the faces and their five landmarks in photos')
        .argument('<photos>', describeFormats())
        .requiredOption('-o, --output <file>', 'where the detections go (.jsonl), a line per photo'),
    ),
  ).action(async (photos: string, options: DetectCommandOptions) => {
    const out = new Output(options.json === true);
    const settings = photoSettings(options);
    const { weights } = await detectorWeights(options, out);
    const source = await openImageSource(photos);
    try {
      const counts = {
        photos: 0,
        withFace: 0,
        withoutFace: 0,
        unreadable: 0,
        refused: source.refused.length,
        faces: 0,
      };
      const unreadable: { readonly file: string; readonly error: string }[] = [];
      const withoutFace: string[] = [];
      const started = Date.now();
      const partial = `${options.output}.part`;
      const file = await open(partial, 'w');
      try {
        using progress = new Progress('detect', source.entries.length, 'photos');
        const { threads, device } = options;
        for await (const detection of detectPhotos({ source, weights, settings, threads, device })) {
          await file.appendFile(`${formatDetection(detection)}\n`);
          counts.photos++;
          if (isUnreadable(detection)) {
            counts.unreadable++;
            unreadable.push(detection);
          } else {
            counts.faces += detection.faces.length;
            if (detection.chosen === null) {
              counts.withoutFace++;
              withoutFace.push(detection.file);
            } else counts.withFace++;
          }
          progress.update(counts.photos);
        }
        await file.close();
        await rename(partial, options.output);
      } catch (error) {
        await file.close().catch(() => undefined);
        await rm(partial, { force: true });
        throw error;
      }
      for (const { file: name, error } of unreadable.slice(0, named)) out.warn(`${name}: ${error}`);
      for (const { file: name, reason } of source.refused.slice(0, named)) out.warn(`${name}: ${reason}`);
      for (const name of withoutFace.slice(0, named)) out.warn(`${name}: no face found`);
      out.line(
        `${counts.withFace} of ${counts.photos} photos have a face (${counts.faces} faces); without: ${counts.withoutFace}; unreadable: ${counts.unreadable}; refused: ${counts.refused}`,
      );
      const seconds = (Date.now() - started) / 1000;
      out.result({ output: options.output, counts, seconds, withoutFace, unreadable, refused: source.refused });
      if (counts.withFace === 0) {
        throw new SphereFaceError('No face was found in any photo.', {
          got: `${counts.photos} photos, ${counts.unreadable} unreadable`,
          next: 'check that these are photos of people (not crops tight around the face), or lower --min-size',
        });
      }
    } finally {
      await source.dispose();
    }
  });
}
