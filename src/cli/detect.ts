// `sphereface detect`: photos in, their faces out: a line of JSON per photo in a file, or in words on the terminal.
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { keepTemporary, markTemporary, messageOf, SphereFaceError, UsageError, writing } from '../common/index.js';
import { describeFormats, openImageSource } from '../images/index.js';
import {
  type DetectedPhoto,
  type DetectionRecord,
  detectPhotos,
  formatDetection,
  isUnreadable,
} from '../faces/index.js';
import { Output, Progress, withCommonOptions } from './context.js';
import {
  detectorWeights,
  type DetectOptions,
  photoSettings,
  type ReadOptions,
  withDetectOptions,
  withReadOptions,
} from './faces-options.js';
import { nameFiles, warnOfLeftOut } from './faces-report.js';
import { untilInterrupted } from './interrupt.js';

interface DetectCommandOptions extends DetectOptions, ReadOptions {
  readonly output?: string;
}

export function registerDetect(program: Command): void {
  withCommonOptions(
    withReadOptions(
      withDetectOptions(
        program
          .command('detect')
          .description('find the faces and their five landmarks in photos')
          .argument('<photos>', describeFormats())
          .option(
            '-o, --output <file>',
            'where the detections go (.jsonl), a line per photo; without it they are printed',
          ),
      ),
    ),
  ).action(detect);
}

async function detect(photos: string, options: DetectCommandOptions): Promise<void> {
  const out = new Output(options.json === true);
  const { output, threads, device, photoSeconds } = options;
  const settings = photoSettings(options);
  await using source = await openImageSource(photos);
  warnOfLeftOut(out, source);
  const { weights } = await detectorWeights(options, out);
  const summary = new DetectionSummary();
  const started = Date.now();
  const detections: DetectionRecord[] = [];
  using progress = new Progress('detect', source.entries.length, 'photos');
  await untilInterrupted(async (signal) => {
    await using file = output === undefined ? undefined : await NewFile.create(output);
    for await (const detection of detectPhotos({ source, weights, settings, threads, device, photoSeconds, signal })) {
      if (file === undefined) {
        if (options.json === true) detections.push(detection);
        else for (const line of inWords(detection)) out.line(line);
      } else await file.append(`${formatDetection(detection)}\n`);
      summary.add(detection);
      progress.update(summary.counts.photos);
    }
    await file?.finish();
  });
  progress[Symbol.dispose]();

  const { counts, withoutFace, unreadable, turned } = summary;
  const refused = source.refused.map(({ file, reason }) => ({ file, error: reason }));
  if (output !== undefined) {
    nameFiles(out, unreadable);
    nameFiles(
      out,
      withoutFace.map((file) => ({ file, error: 'no face found' })),
    );
  }
  nameFiles(out, refused);
  out.line(
    `${counts.withFace} of ${counts.photos} photos have a face (${counts.faces} faces); without: ${counts.withoutFace}; ` +
      `unreadable: ${counts.unreadable}; refused: ${refused.length}; no photos: ${source.ignored.length}; turned: ${counts.turned}`,
  );
  out.result({
    ...(output === undefined ? { detections } : { output }),
    counts: { ...counts, refused: refused.length, ignored: source.ignored.length },
    seconds: (Date.now() - started) / 1000,
    withoutFace,
    unreadable,
    refused: source.refused,
    ignored: source.ignored,
    turned,
  });
  if (counts.withFace === 0) {
    throw new SphereFaceError('No face was found in any photo.', {
      got: `${counts.photos} photos, ${counts.unreadable} unreadable`,
      next: 'check that these are photos of people (not crops tight around the face), or lower --min-size',
    });
  }
}

/** What the detections come to. */
class DetectionSummary {
  readonly counts = { photos: 0, withFace: 0, withoutFace: 0, unreadable: 0, faces: 0, turned: 0 };
  readonly withoutFace: string[] = [];
  readonly unreadable: { readonly file: string; readonly error: string }[] = [];
  readonly turned: Pick<DetectedPhoto, 'file' | 'rotation'>[] = [];

  add(detection: DetectionRecord): void {
    const { counts } = this;
    counts.photos++;
    if (isUnreadable(detection)) {
      counts.unreadable++;
      this.unreadable.push(detection);
      return;
    }
    const { file, faces, chosen, rotation } = detection;
    counts.faces += faces.length;
    if (chosen === null) {
      counts.withoutFace++;
      this.withoutFace.push(file);
    } else counts.withFace++;
    if (rotation === undefined) return;
    counts.turned++;
    this.turned.push({ file, rotation });
  }
}

/** A photo's faces for people to read. */
function inWords(detection: DetectionRecord): string[] {
  if (isUnreadable(detection)) return [`${detection.file}: ${detection.error}`];
  const { file, width, height, faces, chosen, rotation } = detection;
  const found = faces.length === 0 ? 'no face' : faces.length === 1 ? '1 face' : `${faces.length} faces`;
  const turn = rotation === undefined ? '' : `, upright after a turn by ${rotation}°`;
  const points = ['left eye', 'right eye', 'nose', 'left mouth corner', 'right mouth corner'];
  const at = (point: readonly number[]) => point.map((value) => value.toFixed(0)).join(',');
  return [
    `${file}: ${width} x ${height} pixels, ${found}${turn}`,
    ...faces.map(({ box, score, landmarks }, i) => {
      const person = faces.length > 1 && i === chosen ? ' (the person)' : '';
      const places = landmarks.map((point, k) => `${points[k]} ${at(point)}`).join(', ');
      return `  ${at(box.slice(0, 2))} to ${at(box.slice(2))}${person}, score ${score.toFixed(4)}: ${places}`;
    }),
  ];
}

/** A file that takes its name when it is finished; else nothing is left of it. */
class NewFile implements AsyncDisposable {
  private finished = false;

  private constructor(
    private readonly path: string,
    private readonly partial: string,
    private readonly handle: FileHandle,
  ) {}

  /** @throws UsageError where no file can be written. */
  static async create(path: string): Promise<NewFile> {
    const partial = `${path}.part`;
    const handle = await open(partial, 'w').catch((cause: unknown) => {
      throw new UsageError(`${path} cannot be written.`, { got: messageOf(cause), next: 'check the path', cause });
    });
    markTemporary(partial);
    return new NewFile(path, partial, handle);
  }

  async append(text: string): Promise<void> {
    await writing(this.path, () => this.handle.appendFile(text));
  }

  async finish(): Promise<void> {
    await this.handle.close();
    await rename(this.partial, this.path);
    this.finished = true;
    keepTemporary(this.partial);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.finished) return;
    await this.handle.close();
    await rm(this.partial, { force: true });
    keepTemporary(this.partial);
  }
}
