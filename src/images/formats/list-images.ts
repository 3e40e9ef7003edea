// The images that the lines of a list name: each once, and where it lies.
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { SphereFaceError } from '../../common/errors.js';
import { exists } from '../../common/exists.js';
import { plainPath } from '../names.js';
import { leadsIntoZip } from './list-archives.js';
import type { ListLine } from './list-lines.js';
import type { ListedPlaces } from './list-places.js';

/** A line, and where its image lies. */
export interface ListedImage {
  readonly line: ListLine;
  /** The path in the list, with forward slashes and nothing superfluous; where the image is called otherwise, its own. */
  readonly file: string;
  readonly place: string;
}

/**
 * Finds the image of each line. An image under a kindred name is one that no other line means: where `00.png` has no crop, `00.jpg` is
 * somebody else's.
 * @throws SphereFaceError for an image that is named twice
 */
export async function findImages(
  lines: readonly ListLine[],
  list: string,
  root: string,
  places: ListedPlaces,
): Promise<{ readonly listed: readonly ListedImage[]; readonly missing: readonly ListedImage[] }> {
  const named = new Set<string>();
  const found: { readonly asked: ListedImage; readonly other: string | undefined; readonly isThere: boolean }[] = [];
  for (const line of lines) {
    const file = await withSlashes(line.file, root);
    const asked = { line, file: plainPath(file), place: placeOf(file, root) };
    if (named.has(asked.place)) {
      throw new SphereFaceError(`Line ${line.number} of ${list} names an image for the second time.`, {
        got: line.text.slice(0, 200),
        expected: 'each image once',
        next: 'remove one of the lines',
      });
    }
    named.add(asked.place);
    const image = leadsIntoZip(asked.place) ? { place: asked.place, exact: true } : await places.find(asked.place);
    found.push({ asked, other: image?.exact === false ? image.place : undefined, isThere: image !== undefined });
  }
  const missing: ListedImage[] = [];
  const listed = found.map(({ asked, other, isThere }) => {
    if (other === undefined || named.has(other)) {
      if (!isThere || other !== undefined) missing.push(asked);
      return asked;
    }
    named.add(other);
    const file = isAbsolute(asked.file) ? other : relative(root, other);
    return { ...asked, file: file.replaceAll(sep, '/'), place: other };
  });
  return { listed, missing };
}

/** The sentence on images that are not there. */
export function missingWarning(missing: readonly ListedImage[], images: number, root: string): string {
  const [{ line, file }] = missing;
  return (
    `${missing.length} of ${images} images are not there, such as ${file} (line ${line.number}); ` +
    `the list's paths are taken from ${root === '' ? '.' : root}`
  );
}

/** The error for a list of which no image is there. */
export async function noneThere(
  [{ line, place }]: readonly ListedImage[],
  list: string,
  root: string,
): Promise<SphereFaceError> {
  const folder = root === '' ? '.' : root;
  const fromHere = await exists(placeOf(line.file, '.'));
  return new SphereFaceError(`None of the images of ${list} is there.`, {
    got: `${line.text.slice(0, 200)} in line ${line.number}: there is no ${place}`,
    expected: `"path label" lines; a path is absolute, or taken from ${folder}`,
    next: fromHere
      ? 'the paths start from the working folder: put the list there, or write them as they are from its own folder'
      : 'put the list into the folder that its paths start from, or correct the paths',
  });
}

/** The absolute path that a list's path is. */
export function placeOf(file: string, root: string): string {
  return resolve(isAbsolute(file) ? file : join(root, file));
}

/** A path with forward slashes, unless its backslashes are part of a name. */
export async function withSlashes(file: string, root: string): Promise<string> {
  return !file.includes('\\') || (await exists(placeOf(file, root))) ? file : file.replaceAll('\\', '/');
}
