// ALIGNED/manifest.json: how the crops were made, and what became of every photo that gave none.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withoutMark } from '../common/byte-order-mark.js';
import { UsageError } from '../common/errors.js';
import type { AlignmentSpec } from '../images/alignment.js';
import { manifestName } from '../images/crop-manifest.js';
import type { IgnoredFile, OpenedSource } from '../images/source.js';
import { type CropLayout, type CropNaming, plainPath } from './crop-names.js';
import type { CropSettings, PhotoSettings } from './photo-settings.js';
import type { PhotoRecord } from './photo-record.js';
import { alignmentSpec, templates } from './template.js';
import type { QuarterTurn } from './turn.js';

/** `aligned + withoutFace + unreadable + refused + ignored` is the number of files, and every file counts once. */
export interface PrepareCounts {
  /** Images of the source, without those refused: `aligned + withoutFace + unreadable`. */
  readonly photos: number;
  /** Photos with a crop of a face. */
  readonly aligned: number;
  /** Files written: more than `aligned` with `faces: 'all'` or `missing: 'center'`. */
  readonly crops: number;
  /** Photos in which no face was found, whatever was done about it. */
  readonly withoutFace: number;
  /** Photos that cannot be decoded or took too long, and crops that cannot be written. */
  readonly unreadable: number;
  /** Files the source refused: links out of the folder, unsafe names, photos in no identity folder, … */
  readonly refused: number;
  /** Files that are no images. */
  readonly ignored: number;
  readonly withSeveralFaces: number;
  /** Photos that had to be turned for their faces to be upright. */
  readonly turned: number;
  /** Truncated or damaged photos of which what is there was used. */
  readonly damaged: number;
}

export interface FileError {
  readonly file: string;
  readonly error: string;
}

/** It depends on the photos and the settings alone, not on when, where or how fast it was made. */
export interface AlignedManifest extends CropDescription {
  readonly packageVersion: string;
  readonly source: { readonly kind: string; readonly photos: number };
  readonly counts: PrepareCounts;
  readonly withoutFace: readonly string[];
  readonly unreadable: readonly FileError[];
  readonly refused: readonly FileError[];
  readonly ignored: readonly IgnoredFile[];
  readonly turned: readonly { readonly file: string; readonly rotation: QuarterTurn }[];
  readonly damaged: readonly string[];
  /** Crops whose name is not the photo's with the crop's extension. */
  readonly renamed: readonly { readonly file: string; readonly crop: string }[];
}

/** What decides the crop of a photo, apart from the photo: the same for all crops of a folder. */
export interface CropDescription {
  readonly kind: 'sphereface-aligned';
  readonly alignment: AlignmentSpec;
  readonly width: number;
  readonly height: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** @param how whether detections were given, and where the crops go */
export function describeCrops(
  photo: PhotoSettings,
  crop: CropSettings,
  { known, layout }: { readonly known: boolean; readonly layout: CropLayout },
): CropDescription {
  const { width, height } = templates[crop.size];
  const { detector, choice, rotations, maxPixels, strict } = photo;
  return {
    kind: 'sphereface-aligned',
    alignment: alignmentSpec(templates[crop.size], crop.solver),
    width,
    height,
    settings: {
      ...(known ? { detections: 'given' } : { detector: { name: 'mtcnn', ...detector }, choice, rotations }),
      maxPixels,
      strict,
      layout,
      faces: crop.faces,
      missing: crop.missing,
      format: crop.format,
      ...(crop.format === 'jpg' ? { quality: crop.quality } : {}),
    },
  };
}

/** @throws UsageError that names what differs between the crops that are there and those wanted. */
export function requireSameCrops(found: object, wanted: CropDescription, folder: string): void {
  const [before, now] = [flat(found), flat(wanted)];
  const differing = [...now.keys()].filter((key) => before.get(key) !== now.get(key));
  if (differing.length === 0) return;
  const list = (of: ReadonlyMap<string, string>) =>
    differing.map((key) => `${key} ${of.get(key) ?? 'not stated'}`).join('; ');
  throw new UsageError(`${folder} holds crops that were made with other settings.`, {
    got: list(before),
    expected: list(now),
    next: 'give the same settings, choose another output folder, or remove this one to make all crops again',
  });
}

/** The leaves of an object by their paths (`settings.detector.minSize`), as JSON. */
function flat(value: object, path = ''): Map<string, string> {
  const leaves = new Map<string, string>();
  for (const [key, part] of Object.entries(value) as [string, unknown][]) {
    if (typeof part === 'object' && part !== null && !Array.isArray(part)) {
      for (const [inner, leaf] of flat(part, `${path}${key}.`)) leaves.set(inner, leaf);
    } else leaves.set(`${path}${key}`, JSON.stringify(part));
  }
  return leaves;
}

/** The text of the manifest in a folder; `undefined` when there is none. */
export async function readManifestText(folder: string): Promise<string | undefined> {
  return readFile(join(folder, manifestName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** The manifest of a folder without a journal. @throws UsageError for a file of that name that is none of this package. */
export function parseOwnManifest(text: string, folder: string): object {
  try {
    const value: unknown = JSON.parse(withoutMark(text));
    if (typeof value === 'object' && value !== null && 'alignment' in value) return value;
  } catch {
    // As one of another program.
  }
  throw new UsageError(`${join(folder, manifestName)} is in the way.`, {
    got: 'a file that prepare and align have not written',
    next: 'choose another output folder, or move the file away',
  });
}

/** @param records what became of each entry of the source, in their order */
export function summarise(
  description: CropDescription,
  packageVersion: string,
  { kind, entries, refused, ignored }: OpenedSource,
  records: readonly PhotoRecord[],
  naming: CropNaming,
): AlignedManifest {
  const withoutFace = records.filter(({ faces }) => faces === 0).map(({ file }) => file);
  const unreadable = records.filter(({ faces }) => faces < 0).map(({ file, error = '' }) => ({ file, error }));
  const turned = records.flatMap(({ file, rotation }) => (rotation === undefined ? [] : [{ file, rotation }]));
  const damaged = records.filter((record) => record.damaged === true).map(({ file }) => file);
  const plain = new Map(entries.map((entry) => [entry.file, plainPath(entry, naming)]));
  const counts = {
    photos: entries.length,
    aligned: records.filter(({ faces }) => faces > 0).length,
    crops: records.reduce((sum, { crops }) => sum + crops.length, 0),
    withoutFace: withoutFace.length,
    unreadable: unreadable.length,
    refused: refused.length,
    ignored: ignored.length,
    withSeveralFaces: records.filter(({ faces }) => faces > 1).length,
    turned: turned.length,
    damaged: damaged.length,
  };
  const { alignment, width, height, settings } = description;
  return {
    kind: description.kind,
    packageVersion,
    alignment,
    width,
    height,
    settings,
    source: { kind, photos: entries.length },
    counts,
    withoutFace,
    unreadable,
    refused: refused.map(({ file, reason }) => ({ file, error: reason })),
    ignored,
    turned,
    damaged,
    renamed: records.flatMap(({ file, crops: [crop] }) =>
      crop === undefined || crop.name === plain.get(file) ? [] : [{ file, crop: crop.name }],
    ),
  };
}
