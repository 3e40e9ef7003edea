// One door for every form in which people hold face images, and the table of these forms.
import { stat } from 'node:fs/promises';
import { SphereFaceError, UsageError } from '../../common/errors.js';
import { describeKinds } from '../decoders/index.js';
import { readHead } from '../files.js';
import { type IdentityOf, identityPattern } from '../identity-pattern.js';
import { describeIgnored } from '../ignored.js';
import { oddities } from '../oddities.js';
import type { OpenedSource } from '../source.js';
import { folderFormat } from './folder.js';
import { headBytes, type ImageFormat, type OpenOptions } from './format.js';
import { listFormat } from './list.js';
import { photoFormat } from './photo.js';
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
  photoFormat,
];

/** How to open a source, and which formats to try. */
export interface OpenSourceOptions extends OpenOptions {
  /** The formats in the order in which they are asked; {@link imageFormats} by default. */
  readonly formats?: readonly ImageFormat[];
  /** Tells the identities from the images' paths instead: `{identity}_*`, or a regular expression with one group. */
  readonly identityFrom?: string | RegExp;
}

/**
 * Opens labelled images, whatever their form: see {@link imageFormats}.
 * @throws UsageError if there is nothing at `path`, or nothing of these forms; SphereFaceError if it holds no image.
 */
export async function openImageSource(path: string, options: OpenSourceOptions = {}): Promise<OpenedSource> {
  const { formats = imageFormats, identityFrom, ...rest } = options;
  const identityOf = identityFrom === undefined ? undefined : identityPattern(identityFrom);
  const opened = await (await formatOf(path, formats)).open(path, rest);
  const source = identityOf === undefined ? opened : renamed(opened, identityOf);
  if (source.entries.length > 0) return { ...source, warnings: [...source.warnings, ...oddities(source.entries)] };
  await source.dispose();
  const refused = source.refused.slice(0, 3).map(({ file, reason }) => `${file} (${reason})`);
  throw new SphereFaceError(`There is no image in ${path}.`, {
    got: `${source.ignored.length === 0 ? 'no file' : describeIgnored(source.ignored)}${refused.length === 0 ? '' : `; refused: ${refused.join(', ')}`}`,
    expected: `identity folders with ${describeKinds()} files`,
    next: 'check the path; a folder of identity folders looks like PATH/identity/001.jpg',
  });
}

/** A source whose identities come from the images' paths; those that the pattern does not fit have none. */
function renamed(source: OpenedSource, identityOf: IdentityOf): OpenedSource {
  const entries = source.entries.map(({ file }) => ({ file, identity: identityOf(file) ?? '' }));
  return { ...source, entries };
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
