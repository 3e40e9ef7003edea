// One door for every form in which people hold face images, and the table of these forms.
import { stat } from 'node:fs/promises';
import { SphereFaceError, UsageError } from '../../common/errors.js';
import { readHead } from '../files.js';
import type { OpenedSource } from '../source.js';
import { folderFormat } from './folder.js';
import { headBytes, type ImageFormat, type OpenOptions } from './format.js';
import { listFormat } from './list.js';
import { recordSetFormat } from './record-set.js';
import { verificationSetFormat } from './verification-set.js';
import { zipFormat } from './zip.js';

/** The formats that are known, in the order of help and docs. A format is added by its file and a line here. */
export const imageFormats: readonly ImageFormat[] = [
  folderFormat,
  zipFormat,
  listFormat,
  recordSetFormat,
  verificationSetFormat,
];

/** How to open a source, and which formats to try. */
export interface OpenSourceOptions extends OpenOptions {
  /** The formats in the order in which they are asked; {@link imageFormats} by default. */
  readonly formats?: readonly ImageFormat[];
}

/**
 * Opens labelled images, whatever their form: see {@link imageFormats}.
 * @throws UsageError if there is nothing at `path`, or nothing of these forms; SphereFaceError if it holds no image.
 */
export async function openImageSource(path: string, options: OpenSourceOptions = {}): Promise<OpenedSource> {
  const { formats = imageFormats, ...rest } = options;
  const source = await (await formatOf(path, formats)).open(path, rest);
  if (source.entries.length > 0) return source;
  await source.dispose();
  const refused = source.refused.slice(0, 3).map(({ file, reason }) => `${file} (${reason})`);
  throw new SphereFaceError(`There is no image in ${path}.`, {
    got: `${source.ignored.length} other files${refused.length === 0 ? '' : `; refused: ${refused.join(', ')}`}`,
    expected: 'identity folders with JPEG, PNG, WebP, GIF, AVIF or TIFF files',
    next: 'check the path; a folder of identity folders looks like PATH/identity/001.jpg',
  });
}

/**
 * The format of what lies at `path`.
 * @throws UsageError if there is nothing, or nothing of these formats.
 */
export async function formatOf(path: string, formats = imageFormats): Promise<ImageFormat> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError(`There is nothing at ${path}.`, {
      expected: describeFormats(formats),
      next: 'check the path',
    });
  }
  const head = found.isDirectory() ? undefined : await readHead(path, headBytes);
  for (const format of formats) if (await format.matches(path, head)) return format;
  const start = Buffer.from(head?.subarray(0, 4) ?? []).toString('hex');
  throw new UsageError(`${path} is no source of images.`, {
    got: `a binary file starting ${start}`,
    expected: describeFormats(formats),
  });
}

/** Formats in words, for help and errors: `a folder of identity folders, a zip of one, … or a verification set`. */
export function describeFormats(formats: readonly ImageFormat[] = imageFormats): string {
  const names = formats.map(({ describes }) => describes);
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names[names.length - 1]}`;
}

/** The table of docs/formats.md, in Markdown. */
export function documentFormats(formats: readonly ImageFormat[] = imageFormats): string {
  const rows = formats.map(({ kind, documentation: { looksLike, identity, order } }) => [
    kind,
    looksLike,
    identity,
    order,
  ]);
  const lines = [['form', 'what it looks like', 'identity', 'order'], ['---', '---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
