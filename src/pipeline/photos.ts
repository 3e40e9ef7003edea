// The photos of a pipeline: without what the pipeline itself has written among them, and without those of nobody.
import { UsageError } from '../common/errors.js';
import { foldersByName, photosToPrepare, type StrayPolicy } from '../faces/index.js';
import { type OpenedSource, openImageSource } from '../images/index.js';

/**
 * Opens the photos that a pipeline in `folder` works on. `folder` may lie among the photos (`run . -o out`): what is in it is
 * not seen.
 * @throws UsageError if `folder` is the photos' own, or if no photo lies in an identity folder and strays are left out
 */
export async function openPhotos(
  photos: string,
  folder: string,
  { strays }: { readonly strays: StrayPolicy },
): Promise<OpenedSource> {
  const source = await openImageSource(photos);
  try {
    const chosen = await photosToPrepare(source, folder, { strays });
    if (strays === 'leave-out' && chosen.entries.every(({ identity }) => identity === '')) {
      throw new UsageError(`No photo of ${photos} lies in an identity folder.`, {
        got: `${chosen.entries.length} photos, for instance ${chosen.entries[0].file}`,
        expected: 'a folder for each person: PHOTOS/person/photo.jpg',
        next: `where names say who it is, make the folders: ${foldersByName}`,
      });
    }
    return chosen;
  } catch (error) {
    await source.dispose();
    throw error;
  }
}
