// One door for every form in which people hold face images: a folder, a zip, a `path label` list, a RecordIO file.
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SphereFaceError, UsageError } from '../../common/errors.js';
import { readHead } from '../files.js';
import { openFolder } from './folder.js';
import { openList } from './list.js';
import { openRecordSet } from './record-set.js';
import type { OpenedSource } from '../source.js';
import { openVerificationSet } from './verification-set.js';
import { openZip } from './zip.js';

/** How to open a source of images. */
export interface OpenOptions {
  /** The folder that a list's relative paths start from; the list's own folder by default. */
  readonly root?: string;
}

/**
 * Opens labelled images, whatever their form:
 * - a folder of identity folders,
 * - a zip of one,
 * - a text file with a `path label` line per image,
 * - InsightFace's RecordIO: `train.rec`, or the folder that it lies in,
 * - InsightFace's verification sets: `lfw.bin` and the like (without identities).
 * @throws SphereFaceError if there is nothing at `path`, if it has none of these forms, or if it holds no image.
 */
export async function openImageSource(path: string, options: OpenOptions = {}): Promise<OpenedSource> {
  const source = await openByForm(path, options);
  if (source.entries.length > 0) return source;
  await source.close();
  const refused = source.refused.slice(0, 3).map(({ file, reason }) => `${file} (${reason})`);
  throw new SphereFaceError(`There is no image in ${path}.`, {
    got: `${source.ignored} other files${refused.length === 0 ? '' : `; refused: ${refused.join(', ')}`}`,
    expected: 'identity folders with JPEG, PNG, WebP, GIF, AVIF or TIFF files',
    next: 'check the path; a folder of identity folders looks like PATH/identity/001.jpg',
  });
}

function isRecordSet(folder: string): boolean {
  return existsSync(join(folder, 'train.rec'));
}

async function openByForm(path: string, options: OpenOptions): Promise<OpenedSource> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError(`There is nothing at ${path}.`, {
      expected:
        'a folder of identity folders, a zip of one, a "path label" list, a RecordIO file or a verification set',
      next: 'check the path',
    });
  }
  if (found.isDirectory()) return isRecordSet(path) ? openRecordSet(path) : openFolder(path);
  if (/\.rec$/i.test(path)) return openRecordSet(path);
  if (/\.bin$/i.test(path)) return (await openVerificationSet(path)).source;
  const head = await readHead(path, 512);
  if (head[0] === 0x50 && head[1] === 0x4b) return openZip(path);
  if (/\.zip$/i.test(path)) {
    throw new SphereFaceError(`${path} is not a zip file.`, {
      got: `a file starting ${Buffer.from(head.subarray(0, 4)).toString('hex') || 'with nothing'}`,
      next: 'copy or download the file again',
    });
  }
  if (!head.includes(0)) return openList(path, options.root);
  throw new UsageError(`${path} is no source of images.`, {
    got: `a binary file starting ${Buffer.from(head.subarray(0, 4)).toString('hex')}`,
    expected: 'a folder of identity folders, a zip of one, a "path label" list, a RecordIO file or a verification set',
  });
}
