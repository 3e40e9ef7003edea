// A folder of identity folders as an image source.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { messageOf } from '../../common/errors.js';
import { readManifest, statements } from '../crop-manifest.js';
import { entryAt, readBounded } from '../files.js';
import { byFile, identityOf, isImageName } from '../names.js';
import { type IgnoredFile, type ImageEntry, openedSource, type OpenedSource, type RefusedFile } from '../source.js';
import type { ImageFormat } from './format.js';
import { isRecordFolder } from './record-set.js';

export const folderFormat: ImageFormat = {
  kind: 'folder',
  describes: 'a folder of identity folders',
  documentation: {
    looksLike: '`identity/001.jpg`, at any depth',
    identity: 'the first folder',
    order: 'by path',
  },
  matches: (path, head) => head === undefined && !isRecordFolder(path),
  open: openFolder,
};

/**
 * Lists the images under `root`, at any depth. Symbolic links are followed as long as they stay inside the root; links
 * that lead out of it (or nowhere) are refused and listed, since a data set from elsewhere must not name files of ours.
 */
export async function openFolder(root: string): Promise<OpenedSource> {
  const base = await realpath(root);
  const entries: ImageEntry[] = [];
  const refused: RefusedFile[] = [];
  const ignored: IgnoredFile[] = [];

  const visit = async (folder: string, prefix: string, above: readonly string[]): Promise<void> => {
    for (const child of await readdir(folder, { withFileTypes: true })) {
      const file = `${prefix}${child.name}`;
      let path = join(folder, child.name);
      let isFolder = child.isDirectory();
      let isFile = child.isFile();
      if (child.isSymbolicLink()) {
        try {
          path = await realpath(path);
          const target = await stat(path);
          isFolder = target.isDirectory();
          isFile = target.isFile();
        } catch (error) {
          refused.push({ file, reason: `broken link: ${messageOf(error)}` });
          continue;
        }
        if (!isInside(base, path)) {
          refused.push({ file, reason: 'the link leads out of the folder' });
          continue;
        }
        if (isFolder && above.includes(path)) {
          refused.push({ file, reason: 'the link leads back to a folder above it' });
          continue;
        }
      }
      if (isFolder) await visit(path, `${file}/`, [...above, path]);
      else if (isFile && isImageName(child.name)) entries.push({ file, identity: identityOf(file) });
      else ignored.push({ file, kind: 'other file' });
    }
  };
  await visit(base, '', [base]);
  entries.sort(byFile);
  refused.sort(byFile);
  ignored.sort(byFile);

  return openedSource({
    kind: 'folder',
    root,
    entries,
    ignored,
    refused,
    ...statements(await readManifest(root)),
    read: async (index) => readBounded(join(base, entryAt(entries, index).file)),
  });
}

function isInside(base: string, path: string): boolean {
  const way = relative(base, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !way.startsWith(sep));
}
