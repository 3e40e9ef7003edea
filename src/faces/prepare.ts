// From a tree of photos to the same tree of aligned crops, in one streaming pass that can be interrupted at any moment, and
// again later for what has changed.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InterruptedError, messageOf, SphereFaceError, UsageError } from '../common/errors.js';
import { writeFileAtomic } from '../common/atomic.js';
import { type Communicator, gatherValues, onAnyRank, oneProcess, together } from '../distributed/index.js';
import { journalName, manifestName } from '../images/crop-manifest.js';
import type { OpenedSource } from '../images/source.js';
import { type CropLayout, type CropNaming, cropNames, furtherFaceName } from './crop-names.js';
import { inOrder } from './in-order.js';
import { Journal } from './journal.js';
import {
  type AlignedManifest,
  type CropDescription,
  describeCrops,
  parseOwnManifest,
  readManifestText,
  requireSameCrops,
  summarise,
} from './manifest.js';
import type { MtcnnWeights } from './mtcnn/networks.js';
import { OutputFolder, UnwritableFileError } from './output-folder.js';
import { unchangedRecords } from './photo-changes.js';
import { type CropSettings, defaultCrop, defaultPhotoSettings, type PhotoSettings } from './photo-settings.js';
import { digestOf, digestOfRecords, type PhotoRecord, stampOf } from './photo-record.js';
import { defaultPhotoSeconds, PhotoPool } from './pool.js';
import { type DetectionRecord, formatDetection, isUnreadable } from './records.js';

/** Detections made earlier, for `sphereface align`. */
export interface KnownDetections {
  readonly find: (file: string) => DetectionRecord | undefined;
}

export interface PrepareOptions {
  readonly source: OpenedSource;
  /** The folder of crops. */
  readonly output: string;
  readonly settings?: Omit<PhotoSettings, 'crop'>;
  readonly crop?: CropSettings;
  /** The detector's weights, asked for only where there is something to do; not needed with `known`. */
  readonly weights?: MtcnnWeights | (() => Promise<MtcnnWeights>);
  readonly known?: KnownDetections;
  readonly threads: number;
  readonly device?: 'cpu' | 'cuda' | 'webgpu';
  /** Where a crop goes: by the photo's path, or into a folder of its identity; by path unless given. */
  readonly layout?: CropLayout;
  /** How long a photo may take; see {@link defaultPhotoSeconds}. */
  readonly photoSeconds?: number;
  /** Stored in the manifest. */
  readonly packageVersion: string;
  /** Called with the number of photos done so far: first with those of earlier runs, then after each photo. */
  readonly progress?: (done: number) => void;
  /** Ends the run early, as an interruption would; what is done stays done. */
  readonly signal?: AbortSignal;
  /**
   * The processes that share the photos: each makes this call with the same options, and writes its crops into the one folder; rank 0
   * writes the rest. Default: this one alone.
   */
  readonly communicator?: Communicator;
}

export interface PrepareResult {
  readonly manifest: AlignedManifest;
  /** Photos that an earlier run had done and that are still the same. */
  readonly resumed: number;
  /** Photos that an earlier run had done and that are no longer there: their crops were removed. */
  readonly removed: number;
  /** Stands for the photos and what came of each: another one, other crops. */
  readonly digest: string;
}

/**
 * Detects and aligns every photo of a source. Crops have the photos' paths; `manifest.json` says how they were made and
 * lists the photos without a face and those that could not be read. Called again, after an interruption or when photos have
 * come, changed or gone, it does what is left to do; the tree is the same as if all had been done at once.
 * @throws UsageError when the folder holds crops of other settings, or of photos none of which is there any more.
 * @throws SphereFaceError with `missing: 'fail'` at the first photo without a face.
 * @throws InterruptedError when `signal` was aborted.
 */
export async function prepare(options: PrepareOptions): Promise<PrepareResult> {
  return new Preparation(options).run();
}

/** The most photos that a rank does before the ranks tell each other what they have done: a crash costs no more. */
const photosPerTurn = 32;

class Preparation {
  private readonly communicator: Communicator;
  private readonly crop: CropSettings;
  private readonly settings: Omit<PhotoSettings, 'crop'>;
  private readonly description: CropDescription;
  private readonly photoSeconds: number;
  private readonly naming: CropNaming;

  constructor(private readonly options: PrepareOptions) {
    this.communicator = options.communicator ?? oneProcess;
    this.crop = options.crop ?? defaultCrop;
    this.settings = options.settings ?? defaultPhotoSettings;
    this.description = describeCrops(this.settings, this.crop, {
      known: options.known !== undefined,
      layout: options.layout ?? 'path',
    });
    this.photoSeconds = options.photoSeconds ?? defaultPhotoSeconds;
    this.naming = { extension: this.crop.format, layout: options.layout ?? 'path' };
  }

  async run(): Promise<PrepareResult> {
    const { source, output: path, packageVersion } = this.options;
    const writes = this.communicator.rank === 0;
    // All ranks look before rank 0 changes anything, and so see the same.
    const { output, manifestBefore, journal, removed, recorded, names, records } = await together(
      this.communicator,
      () => this.look(),
    );
    await using _ = journal;
    const remaining = [...records.keys()].filter((index) => records[index] === undefined);
    const resumed = records.length - remaining.length;

    if (writes && (remaining.length > 0 || removed.length > 0)) {
      // A folder with a manifest is complete.
      await rm(join(path, manifestName), { force: true });
      await this.removeObsolete(output, recorded, records);
    }
    if (remaining.length > 0) {
      this.options.progress?.(resumed);
      if (writes) await output.begin();
      await this.communicator.barrier();
      try {
        await this.work(remaining, { output, names, journal, records });
      } finally {
        if (writes) await output.finish();
      }
    }
    const done = records as PhotoRecord[];
    const manifest = summarise(this.description, packageVersion, source, done, this.naming);
    if (writes) {
      if (!sameRecords(journal.entries, done) || journal.found === undefined) await journal.rewrite(done);
      const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
      if (remaining.length > 0 || text !== manifestBefore) await writeFileAtomic(join(path, manifestName), text);
    }
    return { manifest, resumed, removed: removed.length, digest: digestOfRecords(done) };
  }

  /** What is there of earlier runs; of it, nothing is changed yet. */
  private async look() {
    const { source, output: path } = this.options;
    const output = await OutputFolder.open(path);
    const manifestBefore = await readManifestText(path);
    const journal = await Journal.open<PhotoRecord>(join(path, journalName), { ...this.description });
    const found = journal.found ?? (manifestBefore === undefined ? undefined : parseOwnManifest(manifestBefore, path));
    if (found !== undefined) requireSameCrops(found, this.description, path);
    const recorded = new Map(journal.entries.map((record) => [record.file, record]));
    const removed = this.removedPhotos(recorded);
    const names = cropNames(source.entries, { ...this.naming, caseSensitive: output.caseSensitive });
    const { photoSeconds } = this;
    const detection = (file: string) => this.detectionDigest(file);
    const records = await unchangedRecords({ source, names, recorded, output, detection, photoSeconds });
    return { output, manifestBefore, journal, removed, recorded, names, records };
  }

  /** Recorded photos that are not in the source any more. @throws UsageError where none is. */
  private removedPhotos(recorded: ReadonlyMap<string, PhotoRecord>): string[] {
    const { source, output } = this.options;
    const present = new Set(source.entries.map(({ file }) => file));
    const removed = [...recorded.keys()].filter((file) => !present.has(file));
    if (recorded.size === 0 || removed.length < recorded.size) return removed;
    throw new UsageError(`${output} holds crops of other photos: none of them is among these.`, {
      got: `${source.entries.length} photos, as ${source.entries[0]?.file ?? 'none'}`,
      expected: `photos of which some have been prepared, as ${removed[0]}`,
      next: 'check the paths, choose another output folder, or remove this one',
    });
  }

  /** Removes the crops that no unchanged photo has: before the work, so that nothing new is hit. */
  private async removeObsolete(
    output: OutputFolder,
    recorded: ReadonlyMap<string, PhotoRecord>,
    kept: readonly (PhotoRecord | undefined)[],
  ): Promise<void> {
    const names = new Set(kept.flatMap((record) => record?.crops.map(({ name }) => name) ?? []));
    for (const { crops } of recorded.values())
      for (const { name } of crops) if (!names.has(name)) await output.remove(name);
  }

  private async work(remaining: readonly number[], state: WorkState): Promise<void> {
    const { source, threads, device, progress } = this.options;
    const { records, journal } = state;
    const weights = await this.weights();
    const settings = { ...this.settings, crop: this.crop };
    await using pool = await PhotoPool.start({ weights, settings, device, threads, photoSeconds: this.photoSeconds });
    let done = records.length - remaining.length;
    for await (const [index, record] of this.photos(remaining, pool, state)) {
      if (record.faces === 0 && this.crop.missing === 'fail') {
        throw new SphereFaceError('There is no face in a photo, and this run was told to stop at one.', {
          got: source.entries[index].file,
          next: 'remove the photo, or let such photos be left out (--missing skip) or cropped around the centre (--missing center)',
        });
      }
      if (this.communicator.rank === 0) await journal.append(record);
      records[index] = record;
      progress?.(++done);
    }
  }

  /** The photos one after another, as they are done; those that other ranks do among them. @throws InterruptedError */
  private async *photos(
    remaining: readonly number[],
    pool: PhotoPool,
    state: WorkState,
  ): AsyncGenerator<[number, PhotoRecord]> {
    const { communicator } = this;
    const { rank, size } = communicator;
    const taken = new Set(state.names.filter((name) => name !== undefined));
    const turn = size === 1 ? 1 : Math.min(photosPerTurn, Math.ceil(remaining.length / size));
    const own = remaining.filter((_, place) => Math.floor(place / turn) % size === rank);
    const done = inOrder(own, pool.capacity, (index) => this.photo(index, pool, { ...state, taken }));
    try {
      for (let start = 0; start < remaining.length; start += turn * size) {
        const results: [number, PhotoRecord][] = [];
        while (results.length < turn) {
          const next = await done.next();
          if (next.done === true) break;
          results.push(next.value);
        }
        for (const ofRank of await gatherValues(communicator, results)) yield* ofRank;
        if (await onAnyRank(communicator, this.options.signal?.aborted === true))
          throw new InterruptedError({ next: 'run it again to go on' });
      }
    } finally {
      await done.return();
    }
  }

  /** Rank 0 goes first: it may have to download them. */
  private async weights(): Promise<MtcnnWeights | undefined> {
    const { weights } = this.options;
    if (typeof weights !== 'function') return weights;
    const first = await together(this.communicator, async () => (this.communicator.rank === 0 ? weights() : undefined));
    return first ?? weights();
  }

  /** One photo, from the source to its crops on the disk. Throws only for what concerns all photos. */
  private async photo(
    index: number,
    pool: PhotoPool,
    { output, names, taken }: WorkState & { readonly taken: ReadonlySet<string> },
  ): Promise<[number, PhotoRecord]> {
    const { source, known } = this.options;
    const { file } = source.entries[index];
    const stamp = await stampOf(source, index);
    const detection = this.detectionDigest(file);
    const base = {
      file,
      ...(stamp === undefined ? {} : { stamp }),
      ...(detection === undefined ? {} : { detection }),
    };
    const unreadable = (error: string, more: Partial<PhotoRecord> = {}): [number, PhotoRecord] => [
      index,
      { ...base, ...more, faces: -1, crops: [], error: oneLine(error) },
    ];
    const name = names[index];
    if (name === undefined) return unreadable('its path cannot be used inside of the output folder');
    const detected = known?.find(file);
    if (known !== undefined && detected === undefined) return unreadable('it is not among the detections');
    if (detected !== undefined && isUnreadable(detected)) return unreadable(detected.error);
    let bytes: Uint8Array;
    try {
      bytes = await source.read(index);
    } catch (error) {
      return unreadable(messageOf(error));
    }
    const digest = digestOf(bytes);
    const { detection: result, crops, gaveUp } = await pool.run({ file, bytes, known: detected });
    if (isUnreadable(result)) {
      return unreadable(result.error, {
        digest,
        ...(gaveUp === 'late' ? { late: this.photoSeconds } : gaveUp === 'died' ? { died: true } : {}),
      });
    }
    const written: { name: string; bytes: number }[] = [];
    try {
      for (const crop of crops) {
        const path = written.length === 0 ? name : furtherFaceName(name, crop.face! + 1, taken);
        await output.write(path, crop.bytes);
        written.push({ name: path, bytes: crop.bytes.length });
      }
    } catch (error) {
      if (!(error instanceof UnwritableFileError)) throw error;
      for (const { name: path } of written) await output.remove(path);
      return unreadable(error.message, { digest });
    }
    const { faces, rotation, damaged } = result;
    return [
      index,
      {
        ...base,
        digest,
        faces: faces.length,
        ...(rotation === undefined ? {} : { rotation }),
        ...(damaged === undefined ? {} : { damaged }),
        crops: written,
      },
    ];
  }

  private detectionDigest(file: string): string | undefined {
    const detection = this.options.known?.find(file);
    return detection === undefined ? undefined : digestOf(formatDetection(detection));
  }
}

interface WorkState {
  readonly output: OutputFolder;
  readonly names: readonly (string | undefined)[];
  readonly journal: Journal<PhotoRecord>;
  /** Filled as photos are done. */
  readonly records: (PhotoRecord | undefined)[];
}

function sameRecords(a: readonly PhotoRecord[], b: readonly PhotoRecord[]): boolean {
  return a.length === b.length && a.every((record, i) => JSON.stringify(record) === JSON.stringify(b[i]));
}

/** Errors of many lines would make the report unreadable. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').trim();
}
