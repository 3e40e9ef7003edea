// The photos of a source that are to be prepared: without what this package has written among them, and without strays.
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { type ImageEntry, type OpenedSource, openedSource } from '../images/source.js';
import { oddities, strayReason, strayWarning } from '../images/oddities.js';
import { isInside } from './output-folder.js';
import { journalName } from '../images/crop-manifest.js';

/** Photos in no identity folder, beside some that are in one: refused, or prepared too, since pairs may name them. */
export type StrayPolicy = 'leave-out' | 'keep';

/**
 * A source of photos as `prepare` takes it.
 *
 * - What lies in `output` is not there at all: a run's own output is never its input.
 * - Crops of other runs (folders with a journal) are ignored, and counted as such.
 * - Photos in no folder, beside identity folders, are refused unless they are to be kept. Where there is no folder at all, they
 *   are what is meant.
 *
 * What was left out for these reasons is said among the `warnings`.
 * @param output the folder that everything is written to, also what is no crop
 * @throws UsageError if the output would lie over the photos themselves; SphereFaceError if no photo is left.
 */
export async function photosToPrepare(
  source: OpenedSource,
  output: string,
  { strays: policy = 'leave-out' }: { readonly strays?: StrayPolicy } = {},
): Promise<OpenedSource> {
  const own = await placeInside(source, output);
  const isOwn = (file: string) => own !== undefined && file.startsWith(own);
  const earlier = source.ignored
    .filter(({ file }) => basename(file) === journalName && !isOwn(file))
    .map(({ file }) => file.slice(0, -journalName.length))
    .filter((folder) => folder !== '');
  const isEarlier = (file: string) => earlier.some((folder) => file.startsWith(folder));
  const isStray = ({ identity }: ImageEntry) => identity === '';
  const candidates = [...source.entries.keys()].filter((index) => {
    const { file } = source.entries[index];
    return !isOwn(file) && !isEarlier(file);
  });
  const inFolders = candidates.filter((index) => policy === 'keep' || !isStray(source.entries[index]));
  const kept = inFolders.length > 0 ? inFolders : candidates;
  const strays =
    inFolders.length > 0 ? candidates.filter((index) => policy === 'leave-out' && isStray(source.entries[index])) : [];
  const entries = kept.map((index) => source.entries[index]);

  const before = new Set(oddities(source.entries));
  if (entries.length === 0) {
    throw new SphereFaceError('There is no photo but crops that earlier runs have made.', {
      got: [...earlier, ...(own === undefined ? [] : [own])].join(', '),
      next: 'give the folder of the photos',
    });
  }
  const strayFiles = strays.map((index) => source.entries[index].file);
  const warnings = [
    ...source.warnings.filter((text) => !before.has(text)),
    ...oddities(entries),
    ...strayWarning(strayFiles),
    ...earlier.map((folder) => `${folder} holds crops of an earlier run, and is left out`),
  ];
  const ignored = [
    ...source.ignored.filter(({ file }) => !isOwn(file) && !isEarlier(file)),
    ...[...source.ignored, ...source.entries]
      .filter(({ file }) => isEarlier(file))
      .map(({ file }) => ({ file, kind: 'output of an earlier run' })),
  ].sort(byName);
  const refused = [
    ...source.refused.filter(({ file }) => !isOwn(file)),
    ...strayFiles.map((file) => ({ file, reason: strayReason })),
  ].sort(byName);
  return openedSource({
    ...source,
    entries,
    ignored,
    refused,
    warnings,
    read: (index) => source.read(kept[index]),
  });
}

/** Where `output` lies in a folder of photos, as a prefix of their paths; `undefined` if it lies elsewhere. */
async function placeInside({ kind, root }: OpenedSource, output: string): Promise<string | undefined> {
  if (kind === 'zip' || root === undefined) return undefined;
  const [base, place] = [await realpath(root), await realPlace(output)];
  if (base === place) {
    throw new UsageError('The output would lie over the photos.', {
      got: `${output} for both`,
      expected: 'another folder; it may lie inside of the photos’ own',
      next: `for example: -o ${join(output, 'aligned')}`,
    });
  }
  return kind !== 'photo' && isInside(base, place) ? `${relative(base, place).split(sep).join('/')}/` : undefined;
}

/** A path without links; what is not there yet is taken as it is written. */
async function realPlace(path: string): Promise<string> {
  const absolute = resolve(path);
  const real = await realpath(absolute).catch(() => undefined);
  if (real !== undefined || dirname(absolute) === absolute) return real ?? absolute;
  return join(await realPlace(dirname(absolute)), basename(absolute));
}

function byName(a: { readonly file: string }, b: { readonly file: string }): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0;
}
