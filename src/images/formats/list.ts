// A `path label` list (the training list of Caffe's ImageData layer, as `sphereface list` writes it) as an image source.
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { SphereFaceError } from '../../common/errors.js';
import { entryAt, readBounded } from '../files.js';
import type { ImageEntry, ImageSource, OpenedSource } from '../source.js';
import { openZip } from './zip.js';

/**
 * Opens a list: a line per image, its path, blanks, its label; empty lines and lines that start with `#` are skipped. The label is the identity.
 * Paths are relative to the folder `root`, by default the list's own, or absolute; they may lead into a zip
 * (`faces.zip/identity/001.jpg`). The order of the list is kept.
 * @throws SphereFaceError with the line number for a line that is no `path label`, a path that occurs twice, and a path
 *   into a zip that does not hold it.
 */
export async function openList(path: string, root: string = dirname(path)): Promise<OpenedSource> {
  const entries: ImageEntry[] = [];
  const places: ((() => Promise<Uint8Array>) | string)[] = [];
  const archives = new Map<string, { readonly source: ImageSource; readonly indices: ReadonlyMap<string, number> }>();
  const seen = new Set<string>();
  const folders = new Map<string, boolean>();
  /** A folder may be called faces.zip as well. */
  const isFolder = async (zip: string): Promise<boolean> => {
    const known = folders.get(zip);
    if (known !== undefined) return known;
    const found = await stat(zip).then(
      (status) => status.isDirectory(),
      () => false,
    );
    folders.set(zip, found);
    return found;
  };
  const close = async (): Promise<void> => {
    for (const { source } of archives.values()) await source.close();
  };

  try {
    const lines = (await readFile(path, 'utf8')).split(/\r?\n/);
    for (const [number, text] of lines.entries()) {
      const line = text.trim();
      if (line === '' || line.startsWith('#')) continue;
      const wrong = (what: string, next?: string): SphereFaceError =>
        new SphereFaceError(`Line ${number + 1} of ${path} ${what}.`, {
          got: line.slice(0, 200),
          expected: 'a path, a blank, a label',
          ...(next === undefined ? {} : { next }),
        });
      const match = /^(.*\S)\s+(\S+)$/.exec(line);
      if (match === null) throw wrong('is not "path label"');
      const [, file, identity] = match as unknown as [string, string, string];
      if (seen.has(file)) throw wrong('names an image for the second time', 'remove one of the lines');
      seen.add(file);
      entries.push({ file, identity });

      const place = isAbsolute(file) ? file : join(root, file);
      const inside = /^(.*?\.zip)[/\\](.+)$/i.exec(place);
      if (inside === null || (await isFolder(inside[1]))) {
        places.push(place);
        continue;
      }
      const [, zipPath, name] = inside as unknown as [string, string, string];
      const zip = resolve(zipPath);
      let archive = archives.get(zip);
      if (archive === undefined) {
        const source = await openZip(zip);
        archive = { source, indices: new Map(source.entries.map((entry, index) => [entry.file, index])) };
        archives.set(zip, archive);
      }
      const { source } = archive;
      const index = archive.indices.get(name.replaceAll('\\', '/'));
      if (index === undefined) throw wrong('names an image that the zip does not hold');
      places.push(() => source.read(index));
    }
  } catch (error) {
    await close();
    throw error;
  }

  return {
    kind: 'list',
    entries,
    ignored: 0,
    refused: [],
    read: async (index) => {
      const place = entryAt(places, index);
      return typeof place === 'string' ? readBounded(place) : place();
    },
    close,
  };
}
