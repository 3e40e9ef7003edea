// The photos of a pipeline: without what the pipeline itself has written among them, and without those of nobody.
import { realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { UsageError } from '../common/errors.js';
import { type OpenedSource, openedSource, openImageSource } from '../images/index.js';

/**
 * Opens the photos that a pipeline in `folder` works on. `folder` may lie among the photos (`run . -o out`): what is in it is
 * not seen.
 * @param strays `leave-out`: photos in no identity folder are refused, which the source's warnings say; `keep`: pairs may name them
 * @throws UsageError if `folder` is the photos' own, or if no photo lies in an identity folder and strays are left out
 */
export async function openPhotos(
  photos: string,
  folder: string,
  { strays }: { readonly strays: 'keep' | 'leave-out' },
): Promise<OpenedSource> {
  const source = await openImageSource(photos);
  try {
    const own = await placeAmong(source, folder);
    const isOwn = ({ file }: { readonly file: string }): boolean => own !== undefined && file.startsWith(own);
    const isStray = (index: number): boolean => strays === 'leave-out' && source.entries[index].identity === '';
    const seen = [...source.entries.keys()].filter((index) => !isOwn(source.entries[index]));
    const kept = seen.filter((index) => !isStray(index));
    if (kept.length === 0 && seen.length > 0) {
      throw new UsageError(`No photo of ${photos} lies in an identity folder.`, {
        got: `${seen.length} photos, for instance ${source.entries[seen[0]].file}`,
        expected: 'a folder for each person: PHOTOS/person/photo.jpg',
      });
    }
    const refused = seen.filter(isStray).map((index) => ({
      file: source.entries[index].file,
      reason: 'it lies in no identity folder',
    }));
    return openedSource({
      ...source,
      entries: kept.map((index) => source.entries[index]),
      ignored: source.ignored.filter((file) => !isOwn(file)),
      refused: [...source.refused.filter((file) => !isOwn(file)), ...refused],
      read: (index) => source.read(kept[index]),
      dispose: () => source.dispose(),
    });
  } catch (error) {
    await source.dispose();
    throw error;
  }
}

/** Where `folder` lies among the photos, as a prefix of their paths; `undefined` if it lies elsewhere or is not there yet. */
async function placeAmong({ kind, root }: OpenedSource, folder: string): Promise<string | undefined> {
  if (kind !== 'folder' || root === undefined) return undefined;
  const place = await realpath(folder).catch(() => undefined);
  if (place === undefined) return undefined;
  const way = relative(await realpath(root), place);
  if (way === '') {
    throw new UsageError('The output would lie over the photos.', {
      got: `${folder} for both`,
      expected: 'another folder; it may lie inside the photos’ own',
      next: 'for example: -o out',
    });
  }
  return way.startsWith('..') ? undefined : `${way.split(sep).join('/')}/`;
}
