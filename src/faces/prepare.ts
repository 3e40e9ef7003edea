// From a tree of photos to the same tree of aligned crops, in one streaming pass that can be interrupted at any moment.
import { createHash } from 'node:crypto';
import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InterruptedError, messageOf, SphereFaceError, UsageError } from '../common/errors.js';
import { writeFileAtomic } from '../common/atomic.js';
import type { OpenedSource } from '../images/source.js';
import type { AlignmentSpec } from '../images/alignment.js';
import { cropNames } from './crop-names.js';
import { Journal } from './journal.js';
import type { MtcnnWeights } from './mtcnn/networks.js';
import { OutputFolder } from './output-folder.js';
import { type CropSettings, defaultCrop, defaultPhotoSettings, type PhotoSettings } from './photo.js';
import { inOrder, PhotoPool } from './pool.js';
import { type DetectionRecord, isUnreadable } from './records.js';
import { alignmentSpec, templates } from './template.js';

/** Detections made earlier, for `sphereface align`. */
export interface KnownDetections {
  readonly find: (file: string) => DetectionRecord | undefined;
  /** Stands for their content in the manifest. */
  readonly digest: string;
}

export interface PrepareOptions {
  readonly source: OpenedSource;
  /** The folder of crops. */
  readonly output: string;
  readonly settings?: Omit<PhotoSettings, 'crop'>;
  readonly crop?: CropSettings;
  /** The detector's weights; not needed with `known`. */
  readonly weights?: MtcnnWeights;
  readonly known?: KnownDetections;
  readonly threads: number;
  readonly device?: 'cpu' | 'cuda' | 'webgpu';
  /** Stored in the manifest. */
  readonly packageVersion: string;
  /** Called after each photo with the number done so far. */
  readonly progress?: (done: number) => void;
  /** Ends the run early, as an interruption would; what is done stays done. */
  readonly signal?: AbortSignal;
}

export interface PrepareCounts {
  readonly photos: number;
  readonly aligned: number;
  /** Photos in which no face was found, whatever was done about it. */
  readonly withoutFace: number;
  readonly unreadable: number;
  /** Files the source refused: links out of the folder, unsafe names, … */
  readonly refused: number;
  readonly withSeveralFaces: number;
}

/** ALIGNED/manifest.json. It depends on the photos and the settings alone, not on when, where or how fast it was made. */
export interface AlignedManifest {
  readonly kind: 'sphereface-aligned';
  readonly packageVersion: string;
  readonly alignment: AlignmentSpec;
  readonly width: number;
  readonly height: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly source: { readonly kind: string; readonly photos: number; readonly namesDigest: string };
  readonly counts: PrepareCounts;
  readonly withoutFace: readonly string[];
  readonly unreadable: readonly { readonly file: string; readonly error: string }[];
  readonly refused: readonly { readonly file: string; readonly error: string }[];
}

export interface PrepareResult {
  readonly manifest: AlignedManifest;
  /** Photos that an earlier run had done. */
  readonly resumed: number;
}

export const manifestName = 'manifest.json';
const journalName = '.prepare-journal.jsonl';

/** A photo in the journal. */
interface JournalEntry {
  /** Number of faces; −1: unreadable. */
  readonly faces: number;
  /** Size of the crop in bytes, when there is one. */
  readonly bytes?: number;
  readonly error?: string;
}

/**
 * Detects and aligns every photo of a source. Crops have the photos' paths; `manifest.json` says how they were made and
 * lists the photos without a face and those that could not be read. Called again after an interruption it goes on where
 * it stopped; the tree is the same as without the interruption.
 * @throws UsageError when the folder holds crops of other photos or settings.
 * @throws SphereFaceError with `missing: 'fail'` at the first photo without a face.
 */
export async function prepare(options: PrepareOptions): Promise<PrepareResult> {
  const { source, weights, known, threads, device, signal } = options;
  const crop = options.crop ?? defaultCrop;
  const photoSettings = options.settings ?? defaultPhotoSettings;
  const output = await OutputFolder.open(options.output);
  const description = describe(options, photoSettings, crop);
  const finished = await readManifest(options.output);
  if (finished !== undefined) {
    requireSame(descriptionOf(finished), description, options.output);
    return { manifest: finished, resumed: finished.counts.photos };
  }

  const journal = await Journal.open<JournalEntry>(join(options.output, journalName), description);
  const entries: JournalEntry[] = [];
  try {
    requireSame(journal.header, description, options.output);
    const names = cropNames(source.entries, crop.format);
    entries.push(...(await usable(journal, options.output, names)));
    const resumed = entries.length;
    await journal.keep(resumed);
    await output.begin();
    const remaining = source.entries.slice(resumed).map((_, i) => resumed + i);
    if (remaining.length > 0) {
      await using pool = await PhotoPool.start({ weights, settings: { ...photoSettings, crop }, device, threads });
      const work = (index: number) => workOn(index, { source, names, pool, known, output });
      for await (const entry of inOrder(remaining, pool.capacity, work)) {
        if (entry.faces === 0 && crop.missing === 'fail') {
          throw new SphereFaceError('There is no face in a photo, and this run was told to stop at one.', {
            got: source.entries[entries.length].file,
            next: 'remove the photo, or let such photos be left out (--missing skip) or cropped around the centre (--missing center)',
          });
        }
        await journal.append(entry);
        entries.push(entry);
        options.progress?.(entries.length);
        if (signal?.aborted === true) throw new InterruptedError({ next: 'run it again to go on' });
      }
    }
    const manifest = summarise(description, source, entries);
    await output.finish();
    await writeFileAtomic(join(options.output, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await journal.finish();
    return { manifest, resumed };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

interface Work {
  readonly source: OpenedSource;
  readonly names: readonly (string | undefined)[];
  readonly pool: PhotoPool;
  readonly known: KnownDetections | undefined;
  readonly output: OutputFolder;
}

async function workOn(index: number, { source, names, pool, known, output }: Work): Promise<JournalEntry> {
  const { file } = source.entries[index];
  const name = names[index];
  if (name === undefined) return { faces: -1, error: 'its path cannot be used inside of the output folder' };
  const detected = known?.find(file);
  if (known !== undefined && detected === undefined) return { faces: -1, error: 'it is not among the detections' };
  if (detected !== undefined && isUnreadable(detected)) return { faces: -1, error: oneLine(detected.error) };
  let bytes: Uint8Array;
  try {
    bytes = await source.read(index);
  } catch (error) {
    return { faces: -1, error: oneLine(messageOf(error)) };
  }
  const { detection, crop } = await pool.run({ file, bytes, known: detected });
  if (isUnreadable(detection)) return { faces: -1, error: oneLine(detection.error) };
  if (crop !== undefined) await output.write(name, crop);
  return { faces: detection.faces.length, bytes: crop?.length };
}

/** The journal's entries up to the first whose crop is not there as it says. */
async function usable(journal: Journal<JournalEntry>, folder: string, names: readonly (string | undefined)[]) {
  let good = 0;
  for (const { bytes } of journal.entries) {
    const name = names[good];
    if (bytes !== undefined) {
      const found = name === undefined ? undefined : await stat(join(folder, name)).catch(() => undefined);
      if (found?.size !== bytes) break;
    }
    good++;
  }
  return journal.entries.slice(0, good);
}

/** What decides the result, apart from the photos' content. */
function describe(options: PrepareOptions, photo: PhotoSettings, crop: CropSettings) {
  const { width, height } = templates[crop.size];
  const names = createHash('sha256');
  for (const { file } of options.source.entries) names.update(`${file}\n`);
  return {
    kind: 'sphereface-aligned' as const,
    packageVersion: options.packageVersion,
    alignment: alignmentSpec(templates[crop.size], crop.solver),
    width,
    height,
    settings: {
      ...(options.known === undefined
        ? { detector: { name: 'mtcnn', ...photo.detector }, choice: photo.choice }
        : { detections: options.known.digest }),
      maxPixels: photo.maxPixels,
      missing: crop.missing,
      format: crop.format,
      ...(crop.format === 'jpg' ? { quality: crop.quality } : {}),
    },
    source: { kind: options.source.kind, photos: options.source.entries.length, namesDigest: names.digest('hex') },
  };
}

type Description = ReturnType<typeof describe>;

function descriptionOf({ kind, packageVersion, alignment, width, height, settings, source }: AlignedManifest) {
  return { kind, packageVersion, alignment, width, height, settings, source };
}

function requireSame(found: object, wanted: object, folder: string): void {
  if (JSON.stringify(found) === JSON.stringify(wanted)) return;
  const differing = Object.entries(wanted).filter(
    ([key, value]) => JSON.stringify((found as Record<string, unknown>)[key]) !== JSON.stringify(value),
  );
  const list = (of: object) =>
    differing.map(([key]) => `${key} ${JSON.stringify((of as Record<string, unknown>)[key])}`).join('; ');
  throw new UsageError(`${folder} holds crops that were made from other photos or with other settings.`, {
    got: list(found),
    expected: list(wanted),
    next: 'choose another output folder, or remove this one',
  });
}

async function readManifest(folder: string): Promise<AlignedManifest | undefined> {
  const path = join(folder, manifestName);
  if (
    !(await access(path).then(
      () => true,
      () => false,
    ))
  )
    return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as AlignedManifest;
  } catch (error) {
    throw new SphereFaceError(`${path} cannot be read.`, {
      got: messageOf(error),
      next: 'choose another output folder',
    });
  }
}

function summarise(description: Description, source: OpenedSource, entries: readonly JournalEntry[]): AlignedManifest {
  const files = (keep: (entry: JournalEntry) => boolean) =>
    entries.flatMap((entry, i) => (keep(entry) ? [{ file: source.entries[i].file, error: entry.error ?? '' }] : []));
  const withoutFace = files(({ faces }) => faces === 0).map(({ file }) => file);
  const unreadable = files(({ faces }) => faces < 0);
  const counts = {
    photos: entries.length,
    aligned: entries.filter(({ faces, bytes }) => faces > 0 && bytes !== undefined).length,
    withoutFace: withoutFace.length,
    unreadable: unreadable.length,
    refused: source.refused.length,
    withSeveralFaces: entries.filter(({ faces }) => faces > 1).length,
  };
  const refused = source.refused.map(({ file, reason }) => ({ file, error: reason }));
  return { ...description, counts, withoutFace, unreadable, refused };
}

/** Errors of many lines would make the report unreadable. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').trim();
}
