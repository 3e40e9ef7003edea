// Where the images of a list lie in folders: at the path that a line has, or where its folder has the image under a kindred name.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists } from '../../common/exists.js';
import { NameFinder } from '../finder.js';

/** The file that a path leads to. */
export interface ListedPlace {
  readonly place: string;
  /** Whether it has the name that was asked for. */
  readonly exact: boolean;
}

interface FolderListing {
  readonly folders: ReadonlySet<string>;
  readonly fileNames: ReadonlySet<string>;
  readonly finder: NameFinder;
  readonly files: readonly string[];
}

/** Folders whose names are kept: lists go from folder to folder, and those of millions of images would not fit. */
const maxListings = 1000;

/**
 * Finds images by the names that lists use for them: in either Unicode form (a Mac's disk beside a list from elsewhere), whatever the
 * case, with another extension or none, as {@link NameFinder} does it among the files of the folder. A folder is read once.
 */
export class ListedPlaces {
  private readonly listings = new Map<string, Promise<FolderListing | undefined>>();

  /** The file that an absolute path means; `undefined` where there is none, or several could be meant. */
  async find(path: string): Promise<ListedPlace | undefined> {
    const folder = await this.folderOf(dirname(path));
    if (folder === undefined) return (await exists(path)) ? { place: path, exact: true } : undefined;
    const name = basename(path);
    const { fileNames, finder, files } = (await this.list(folder))!;
    if (fileNames.has(name)) return { place: join(folder, name), exact: folder === dirname(path) };
    const found = finder.find(name);
    return found.kind === 'found' ? { place: join(folder, files[found.index]), exact: false } : undefined;
  }

  /** The folder at a path, or the only one that is called so in the other Unicode form or case. */
  private async folderOf(path: string): Promise<string | undefined> {
    if ((await this.list(path)) !== undefined) return path;
    const above = dirname(path);
    const found = above === path ? undefined : await this.folderOf(above);
    if (found === undefined) return undefined;
    const { folders } = (await this.list(found))!;
    for (const form of [composed, folded]) {
      const meant = [...folders].filter((name) => form(name) === form(basename(path)));
      const folder = meant.length === 1 ? join(found, meant[0]) : undefined;
      if (folder !== undefined && (await this.list(folder)) !== undefined) return folder;
    }
    return undefined;
  }

  private list(folder: string): Promise<FolderListing | undefined> {
    const known = this.listings.get(folder);
    if (known !== undefined) return known;
    const listing = listingOf(folder);
    this.listings.set(folder, listing);
    const [oldest] = this.listings.keys();
    if (this.listings.size > maxListings) this.listings.delete(oldest);
    return listing;
  }
}

async function listingOf(folder: string): Promise<FolderListing | undefined> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (found === undefined) return undefined;
  const names = (entries: typeof found): string[] => entries.map(({ name }) => name);
  const files = names(found.filter((entry) => !entry.isDirectory()));
  // A link may lead to a file or to a folder.
  const folders = names(found.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()));
  return { folders: new Set(folders), fileNames: new Set(files), files, finder: new NameFinder(files) };
}

function composed(name: string): string {
  return name.normalize('NFC');
}

function folded(name: string): string {
  return composed(name).toLowerCase();
}
