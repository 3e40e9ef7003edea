// A list of images and labels (Caffe's `path label`, as `sphereface list` writes it, and other forms) as an image source.
import { dirname, relative } from 'node:path';
import { decoderOf } from '../decoders/index.js';
import { entryAt, readBounded } from '../files.js';
import { hasImageExtension, identityOf } from '../names.js';
import { openedSource, type OpenedSource } from '../source.js';
import { readTextFile } from '../text-file.js';
import type { ImageFormat } from './format.js';
import { Archives } from './list-archives.js';
import { type ListedPerson, listIdentities } from './list-identities.js';
import { findImages, missingWarning, noneThere, placeOf, withSlashes } from './list-images.js';
import { parseListLines, wrongLine } from './list-lines.js';
import { agreedAlignment, ManifestFinder, type ManifestFolder } from './list-manifests.js';
import { ListedPlaces } from './list-places.js';

export const listFormat: ImageFormat = {
  kind: 'list',
  describes: 'a "path label" list',
  documentation: {
    looksLike: "a `path label` line per image, MXNet's `.lst`, or a table with both",
    identity: 'the folder, where folders and labels are one to one; else the label',
    order: 'as listed',
  },
  matches: (path, head) =>
    head !== undefined &&
    isText(head) &&
    decoderOf(head) === undefined &&
    !hasImageExtension(path) &&
    !/\.(zip|bin|rec|idx)$/i.test(path),
  open: (path, { root }) => openList(path, root),
};

/** Whether a file begins as text does, UTF-16 with its mark included. */
function isText(head: Uint8Array): boolean {
  return !head.includes(0) || (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}

/**
 * Opens a list: a line per image. Empty lines are skipped, and so are comments: lines that are `#` alone or begin with
 * `#` and a blank, unless there is an image of that name. An image's identity is its folder's name where folders and
 * labels are one to one over the whole list, else the label. Paths are relative to the folder `root`, by default the
 * list's own, or absolute; they may have backslashes and may lead into a zip (`faces.zip/identity/001.jpg`). The order of
 * the list is kept.
 * @throws SphereFaceError if none of its images is there; with the line number for a line of another form, a path that occurs twice, and a path into a
 *   zip that is not there or does not hold it; with both places for crops that were aligned in different ways.
 */
async function openList(path: string, root: string = dirname(path)): Promise<OpenedSource> {
  const { text, warnings: said } = await readTextFile(path);
  const warnings = [...said];
  const files: string[] = [];
  const people: ListedPerson[] = [];
  const places: ((() => Promise<Uint8Array>) | string)[] = [];
  const archives = new Archives();
  const listed = new ListedPlaces();
  const manifests = new ManifestFinder();
  const sets = new Map<string, ManifestFolder>();
  let outside = 0;

  try {
    const isImage = async (file: string): Promise<boolean> => {
      const place = placeOf(await withSlashes(file, root), root);
      return (await archives.holds(place)) || (await listed.find(place)) !== undefined;
    };
    const parsed = await parseListLines(text, path, isImage);
    warnings.push(...parsed.warnings);
    const images = await findImages(parsed.lines, path, root, listed);
    for (const { line, file, place } of images.listed) {
      const { label } = line;
      files.push(file);
      const archived = await archives.find(place, (what) => wrongLine(line, path, what));
      if (archived !== undefined) {
        people.push({ label, folders: [], inSet: archived.identity });
        places.push(archived.read);
        if (!archived.stated) outside++;
        continue;
      }
      const set = await manifests.find(dirname(place));
      if (set === undefined) outside++;
      else sets.set(set.folder, set);
      people.push({
        label,
        folders: dirname(place).split(/[/\\]/),
        inSet: set === undefined ? undefined : identityOf(relative(set.folder, place).replaceAll('\\', '/')),
      });
      places.push(place);
    }
    const identities = listIdentities(people);
    const only = sets.size === 1 && outside === 0 && archives.stated.length === 0;
    const alignment = agreedAlignment(path, [
      ...[...sets.values()].map(({ folder, manifest }) => ({ place: folder, alignment: manifest.alignment })),
      ...archives.stated,
    ]);
    if (images.missing.length > 0 && images.missing.length === files.length) {
      throw await noneThere(images.missing, path, root);
    }
    if (images.missing.length > 0) warnings.push(missingWarning(images.missing, files.length, root));
    if (alignment !== undefined && outside > 0) {
      warnings.push(`${outside} of ${files.length} images lie in no folder that says how they were aligned`);
    }
    return openedSource({
      kind: 'list',
      root,
      entries: files.map((file, index) => ({ file, identity: identities[index] })),
      labels: people.map(({ label }) => label),
      alignment,
      manifest: only ? [...sets.values()][0].manifest : undefined,
      warnings,
      read: async (index) => {
        const place = entryAt(places, index);
        return typeof place === 'string' ? readBounded(place) : place();
      },
      dispose: () => archives.dispose(),
    });
  } catch (error) {
    await archives.dispose();
    throw error;
  }
}
