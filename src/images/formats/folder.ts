// A folder of identity folders as an image source.
import { isUtf8 } from 'node:buffer';
import { type Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { SphereFaceError, messageOf } from '../../common/errors.js';
import { journalName, manifestName, readManifest, statements } from '../crop-manifest.js';
import { kindBytes } from '../decoders/index.js';
import { entryAt, readBounded, readHead } from '../files.js';
import { kindOfOther, systemKind } from '../ignored.js';
import { byFile, hasImageExtension, identityOf, isSystemName, plainPath, unsafePath } from '../names.js';
import { type IgnoredFile, openedSource, type OpenedSource, type RefusedFile } from '../source.js';
import type { ImageFormat } from './format.js';
import { recordFileIn } from './record-set.js';

export const folderFormat: ImageFormat = {
  kind: 'folder',
  describes: 'a folder of identity folders',
  documentation: {
    looksLike: '`identity/001.jpg`, at any depth',
    identity: 'the first folder',
    order: 'by path',
  },
  matches: async (path, head) => head === undefined && (await recordFileIn(path)) === undefined,
  open: openFolder,
};

/**
 * Lists the images under `root`, at any depth; the content tells what is one where the name does not. Symbolic links are
 * followed as long as they stay inside the root; links that lead out of it (or nowhere) are refused and listed, since a
 * data set from elsewhere must not name files of ours. So are folders that cannot be read or have an image's name, and
 * names that are not UTF-8. Hidden and system folders are passed over, their files counted.
 * @throws SphereFaceError if `root` itself cannot be read.
 */
async function openFolder(root: string): Promise<OpenedSource> {
  const base = await realpath(root);
  const listing = new Listing(base);
  await listing.visit(base, '', [base]);
  listing.readBackslashes();
  const { photos, refused } = listing;
  const manifest = await readManifest(root);
  const stated = statements(manifest);
  const own = manifest?.kind === 'crops' ? [manifestName, journalName] : [];
  const ignored = listing.ignored.filter(({ file }) => !own.includes(file));
  return openedSource({
    kind: 'folder',
    root,
    around: [basename(base)],
    entries: photos.sort(byFile).map(({ file }) => ({ file, identity: identityOf(file) })),
    ignored: ignored.sort(byFile),
    refused: refused.sort(byFile),
    ...stated,
    warnings: [...stated.warnings, ...backslashWarning(photos)],
    read: async (index) => readBounded(join(base, entryAt(photos, index).name)),
  });
}

/** An image, and its path on the disk, which may have backslashes where `file` has slashes. */
interface FoundImage {
  readonly file: string;
  readonly name: string;
}

function backslashWarning(photos: readonly FoundImage[]): string[] {
  const read = photos.filter(({ file, name }) => file !== name);
  if (read.length === 0) return [];
  const [{ file, name }] = read;
  const names = read.length === 1 ? 'name of an image has' : 'names of images have';
  return [
    `${read.length} ${names} backslashes, as in a zip of Windows unpacked elsewhere; they are read as folders: ${name} is ${file}`,
  ];
}

/** What is found on the way through a folder. */
class Listing {
  readonly photos: FoundImage[] = [];
  private readonly backslashed: string[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly refused: RefusedFile[] = [];

  constructor(private readonly base: string) {}

  /** @param prefix the path from the root, with a slash at the end; @param above the real folders on the way here */
  async visit(folder: string, prefix: string, above: readonly string[]): Promise<void> {
    for (const child of await this.children(folder, prefix)) {
      const name = child.name.toString();
      const file = `${prefix}${name}`;
      if (!isUtf8(child.name)) {
        this.refused.push({ file: `${prefix}${escaped(child.name)}`, reason: 'its name is not UTF-8' });
      } else if (isSystemName(name)) {
        await this.passOver(join(folder, name), file, child.isDirectory());
      } else if (child.isSymbolicLink()) {
        await this.follow(join(folder, name), file, above);
      } else if (child.isDirectory()) {
        await this.enter(join(folder, name), file, above);
      } else {
        await this.sort(join(folder, name), file, child.isFile());
      }
    }
  }

  private async children(folder: string, prefix: string): Promise<Dirent<Buffer>[]> {
    try {
      return await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      if (prefix === '')
        throw new SphereFaceError(`${folder} cannot be read.`, { got: messageOf(error), cause: error });
      const reason = `the folder cannot be read: ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`;
      this.refused.push({ file: prefix.slice(0, -1), reason });
      return [];
    }
  }

  private async follow(link: string, file: string, above: readonly string[]): Promise<void> {
    const refuse = (reason: string): void => {
      this.refused.push({ file, reason });
    };
    try {
      const path = await realpath(link);
      const target = await stat(path);
      if (!isInside(this.base, path)) refuse('the link leads out of the folder');
      else if (!target.isDirectory()) await this.sort(path, file, target.isFile());
      else if (above.includes(path)) refuse('the link leads back to a folder above it');
      else await this.enter(path, file, above);
    } catch (error) {
      refuse(`broken link: ${messageOf(error)}`);
    }
  }

  private async enter(path: string, file: string, above: readonly string[]): Promise<void> {
    if (hasImageExtension(file)) this.refused.push({ file, reason: "a folder with an image's name" });
    else await this.visit(path, `${file}/`, [...above, path]);
  }

  private async sort(path: string, file: string, isFile: boolean): Promise<void> {
    if (!isFile) {
      this.ignored.push({ file, kind: 'device or socket' });
      return;
    }
    try {
      const kind = await kindOfOther(file, () => readHead(path, kindBytes));
      if (kind !== undefined) this.ignored.push({ file, kind });
      else if (file.includes('\\')) this.backslashed.push(file);
      else this.photos.push({ file, name: file });
    } catch (error) {
      this.refused.push({ file, reason: `the file cannot be read: ${messageOf(error)}` });
    }
  }

  /** Reads the backslashes of names as folders, once all names are known: `anna/0.jpg` may be there as well. */
  readBackslashes(): void {
    const seen = new Set(this.photos.map(({ file }) => file));
    for (const name of this.backslashed.sort()) {
      const file = plainPath(name.replaceAll('\\', '/'));
      const reason = unsafePath(file) ?? (seen.has(file) ? 'the name occurs twice' : undefined);
      if (reason !== undefined) this.refused.push({ file: name, reason });
      else if (file.split('/').some(isSystemName)) this.ignored.push({ file: name, kind: systemKind });
      else this.photos.push({ file, name });
      seen.add(file);
    }
  }

  /** Counts what lies in a hidden or system folder; links are not followed. */
  private async passOver(path: string, file: string, isFolder: boolean): Promise<void> {
    if (!isFolder) {
      this.ignored.push({ file, kind: systemKind });
      return;
    }
    for (const child of await this.children(path, `${file}/`)) {
      const name = child.name.toString();
      await this.passOver(join(path, name), `${file}/${name}`, child.isDirectory());
    }
  }
}

/** A name's bytes with those that are not ASCII as `\xE9`, so that two such names stay two. */
function escaped(name: Buffer): string {
  return Array.from(name, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

function isInside(base: string, path: string): boolean {
  const way = relative(base, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !way.startsWith(sep));
}
