// A `path label` list (the training list of Caffe's ImageData layer, as `sphereface list` writes it) as an image source.
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { SphereFaceError } from '../../common/errors.js';
import { entryAt, readBounded } from '../files.js';
import { identityOf } from '../names.js';
import { openedSource, type OpenedSource } from '../source.js';
import type { ImageFormat } from './format.js';
import { type ListedPerson, listIdentities } from './list-identities.js';
import { agreedAlignment, ManifestFinder, type ManifestFolder } from './list-manifests.js';
import { Archives } from './list-archives.js';

export const listFormat: ImageFormat = {
  kind: 'list',
  describes: 'a "path label" list',
  documentation: {
    looksLike: 'a `path label` line per image',
    identity: 'the folder, where folders and labels are one to one; else the label',
    order: 'as listed',
  },
  matches: (path, head) => head !== undefined && !head.includes(0) && !/\.(zip|bin|rec)$/i.test(path),
  open: (path, { root }) => openList(path, root),
};

/**
 * Opens a list: a line per image, its path, blanks, its label. Empty lines are skipped, and so are comments: lines that
 * are `#` alone or begin with `#` and a blank, unless there is an image of that name. An image's identity is its folder's
 * name where folders and labels are one to one over the whole list, else the label. Paths are relative to the folder
 * `root`, by default the list's own, or absolute; they may lead into a zip (`faces.zip/identity/001.jpg`). The order of
 * the list is kept.
 * @throws SphereFaceError with the line number for a line that is no `path label`, a path that occurs twice, and a path
 *   into a zip that does not hold it; with both places for crops that were aligned in different ways.
 */
export async function openList(path: string, root: string = dirname(path)): Promise<OpenedSource> {
  const files: string[] = [];
  const people: ListedPerson[] = [];
  const places: ((() => Promise<Uint8Array>) | string)[] = [];
  const seen = new Set<string>();
  const archives = new Archives();
  const manifests = new ManifestFinder();
  const sets = new Map<string, ManifestFolder>();
  let outside = 0;

  try {
    for (const [number, text] of (await readFile(path, 'utf8')).split(/\r?\n/).entries()) {
      const line = text.trim();
      if (line === '') continue;
      const wrong = (what: string, next?: string): SphereFaceError =>
        new SphereFaceError(`Line ${number + 1} of ${path} ${what}.`, {
          got: line.slice(0, 200),
          expected: 'a path, a blank, a label',
          ...(next === undefined ? {} : { next }),
        });
      const match = /^(.*\S)\s+(\S+)$/.exec(line);
      if (/^#(\s|$)/.test(line) && !(match !== null && (await exists(placeOf(match[1], root))))) continue;
      if (match === null) throw wrong('is not "path label"');
      const [, file, label] = match as unknown as [string, string, string];
      if (seen.has(file)) throw wrong('names an image for the second time', 'remove one of the lines');
      seen.add(file);
      files.push(file);

      const place = placeOf(file, root);
      const archived = await archives.find(place);
      if (archived !== undefined) {
        if (archived.entry === undefined) throw wrong('names an image that the zip does not hold');
        people.push({ label, folders: [], inSet: archived.entry.identity });
        places.push(archived.entry.read);
        if (archived.alignment === undefined) outside++;
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
    const manifest =
      sets.size === 1 && outside === 0 && archives.stated.length === 0 ? [...sets.values()][0].manifest : undefined;
    const alignment = agreedAlignment(path, [
      ...[...sets.values()].map(({ folder, manifest }) => ({ place: folder, alignment: manifest.alignment })),
      ...archives.stated,
    ]);
    const silent =
      alignment === undefined || outside === 0
        ? []
        : [`${outside} of ${files.length} images lie in no folder that says how they were aligned`];
    return openedSource({
      kind: 'list',
      root,
      entries: files.map((file, index) => ({ file, identity: identities[index] })),
      alignment,
      manifest,
      warnings: silent,
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

function placeOf(file: string, root: string): string {
  return resolve(isAbsolute(file) ? file : join(root, file));
}

async function exists(place: string): Promise<boolean> {
  return stat(place).then(
    () => true,
    () => false,
  );
}
