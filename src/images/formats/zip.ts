// A zip of identity folders as an image source: the directory is read once, the images in any order, without unpacking.
import { type FileHandle, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SphereFaceError, messageOf } from '../../common/errors.js';
import { manifestName, parseManifest, statements } from '../crop-manifest.js';
import { fileKind } from '../file-kinds.js';
import { entryAt, readAt } from '../files.js';
import { kindOfOther, systemKind } from '../ignored.js';
import { strayReason, strayWarning } from '../oddities.js';
import { byFile, hasImageExtension, identityOf, isSystemName, unsafePath } from '../names.js';
import { type IgnoredFile, openedSource, type OpenedSource, type RefusedFile } from '../source.js';
import { wrappingOf } from '../wrapping.js';
import type { ImageFormat } from './format.js';
import { readDirectory, type ZipFile } from './zip-directory.js';
import { readEntry, readEntryHead } from './zip-entry.js';

export const zipFormat: ImageFormat = {
  kind: 'zip',
  describes: 'a zip of one',
  documentation: {
    looksLike: 'the same in a zip; folders that wrap all identities are looked through',
    identity: 'the first folder',
    order: 'by path',
  },
  matches: (path, head) => head !== undefined && (isZip(head) || /\.zip$/i.test(path)),
  open: openZip,
};

function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b;
}

/**
 * Opens a zip. Entries with unsafe names (`..`, absolute, …), links, encrypted or oversized entries are refused and
 * listed; what is no image is passed over, as in a folder. A zip of the folder itself (`faces/identity/001.jpg`) is read as
 * one of its contents; images beside that folder are nobody's, and refused.
 * @throws SphereFaceError if the file has no readable zip directory.
 */
export async function openZip(path: string): Promise<OpenedSource> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const head = await readAt(handle, 0, 512);
    if (!isZip(head)) {
      const kind = fileKind(head);
      const start = Buffer.from(head.subarray(0, 4)).toString('hex') || 'with nothing';
      throw new SphereFaceError(`${path} is not a zip file.`, {
        got: kind === undefined ? `a file starting ${start}` : `${kind.article} ${kind.singular}`,
        next: kind?.advice ?? 'copy or download the file again',
      });
    }
    const { files, warnings } = await readDirectory(handle, size);
    const { images, ignored, refused } = await sortFiles(handle, files);
    const { prefix: wrapper } = wrappingOf(images.map((image) => image.path));
    const [inside, outside] = [images.filter(isIn(wrapper)), images.filter((image) => !isIn(wrapper)(image))];
    const manifest = files.find((file) => file.path === `${wrapper}${manifestName}` && file.refusal === undefined);
    const found =
      manifest === undefined
        ? undefined
        : parseManifest(Buffer.from(await readEntry(handle, manifest)).toString(), join(path, manifest.path));
    const stated = statements(found);
    const entries = inside.map((image) => ({ image, file: image.path.slice(wrapper.length) })).sort(byFile);
    return openedSource({
      kind: 'zip',
      root: path,
      around: foldersAround(path, wrapper),
      entries: entries.map(({ file }) => ({ file, identity: identityOf(file) })),
      ignored: ignored.filter(({ file }) => found?.kind !== 'crops' || file !== manifest?.path).sort(byFile),
      refused: [...refused, ...outside.map(({ path: file }) => ({ file, reason: strayReason }))].sort(byFile),
      ...stated,
      warnings: [...warnings, ...stated.warnings, ...strayWarning(outside.map((image) => image.path))],
      read: async (index) => readEntry(handle, entryAt(entries, index).image),
      dispose: () => handle.close(),
    });
  } catch (error) {
    await handle.close();
    if (error instanceof SphereFaceError) throw error;
    throw new SphereFaceError(`${path} cannot be read as a zip file.`, {
      got: messageOf(error),
      next: 'copy or download the file again, or check it with: unzip -t FILE',
      cause: error,
    });
  }
}

/** What paths of the entries may begin with elsewhere: of `backup/set/` also `set`, and the name of the zip that is unpacked. */
function foldersAround(path: string, wrapper: string): string[] {
  const folders = wrapper.split('/').slice(0, -1);
  const unpacked = basename(path).replace(/\.zip$/i, '');
  const around = [
    ...folders.map((_, depth) => folders.slice(depth).join('/')),
    [unpacked, ...folders].join('/'),
    unpacked,
  ];
  return [...new Set(around)];
}

const isIn =
  (folder: string) =>
  ({ path }: ZipFile): boolean =>
    path.startsWith(folder);

interface SortedFiles {
  readonly images: ZipFile[];
  readonly ignored: IgnoredFile[];
  readonly refused: RefusedFile[];
}

/** Tells images from what is refused and what is none; by content where the name does not say it. */
async function sortFiles(handle: FileHandle, files: readonly ZipFile[]): Promise<SortedFiles> {
  const sorted: SortedFiles = { images: [], ignored: [], refused: [] };
  const seen = new Set<string>();
  for (const entry of files) {
    const { path: file } = entry;
    if (file.split('/').some((part) => part !== '..' && part !== '.' && isSystemName(part))) {
      sorted.ignored.push({ file, kind: systemKind });
      continue;
    }
    const reason = seen.has(file) ? 'the name occurs twice' : (unsafePath(file) ?? entry.refusal);
    if (reason === undefined || !hasImageExtension(file)) {
      const kind = await kindOfOther(file, async () =>
        reason === undefined ? readEntryHead(handle, entry) : undefined,
      );
      if (kind !== undefined) {
        sorted.ignored.push({ file, kind });
        continue;
      }
    }
    seen.add(file);
    if (reason === undefined) sorted.images.push(entry);
    else sorted.refused.push({ file, reason });
  }
  return sorted;
}
