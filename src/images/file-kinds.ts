// Names for files that are not read: told by their content where it says so, else by their extension.
import { hasText, mediaBrands } from './decoders/decoder.js';

/** What a file is, in words. */
export interface FileKind {
  readonly singular: string;
  readonly plural: string;
  readonly article: 'a' | 'an';
  /** Extensions that tell it, lower case. */
  readonly extensions: readonly string[];
  /** What to do about one among images; by default to convert it. */
  readonly advice?: string;
  /** Whether a file that begins so is of this kind. */
  matches(head: Uint8Array): boolean;
}

const kind = (
  singular: string,
  extensions: readonly string[],
  matches: FileKind['matches'] = () => false,
  plural = `${singular}s`,
): FileKind => ({
  singular,
  plural,
  article: /^([aeio]|html|svg)/i.test(singular) ? 'an' : 'a',
  extensions,
  matches,
});

const begins =
  (...magics: readonly string[]): FileKind['matches'] =>
  (head) =>
    magics.some((magic) => hasText(head, 0, magic));

/** Brands of an ISO base media file that hold a still picture are told by the decoders, before this table. */
const isMedia: FileKind['matches'] = (head) => mediaBrands(head).length > 0;

const textOf = (head: Uint8Array): string =>
  Buffer.from(head.subarray(0, 512)).toString('latin1').trimStart().toLowerCase();

const kinds: readonly FileKind[] = [
  kind('JPEG XL image', ['.jxl'], begins('\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n')),
  kind('JPEG XR image', ['.jxr', '.wdp'], begins('II\xbc')),
  kind('SVG drawing', ['.svg', '.svgz'], (head) => textOf(head).includes('<svg')),
  kind('PDF', ['.pdf'], begins('%PDF')),
  kind('PostScript file', ['.ps', '.eps', '.ai'], begins('%!PS')),
  kind('Photoshop file', ['.psd', '.psb'], begins('8BPS')),
  kind('GIMP file', ['.xcf'], begins('gimp xcf')),
  kind('icon', ['.ico', '.cur', '.icns'], begins('\0\0\x01\0', '\0\0\x02\0', 'icns')),
  kind('OpenEXR image', ['.exr'], begins('v/1\x01')),
  kind('Radiance image', ['.hdr'], begins('#?RADIANCE', '#?RGBE')),
  kind('DICOM image', ['.dcm'], (head) => hasText(head, 128, 'DICM')),
  kind(
    'camera raw photo',
    ['.dng', '.cr2', '.cr3', '.nef', '.arw', '.orf', '.rw2', '.raf', '.pef', '.srw'],
    begins('FUJIFILMCCD-RAW'),
  ),
  // A repository that was cloned without them holds these in the images' place, under their names.
  {
    ...kind('Git LFS pointer', [], begins('version https://git-lfs.github.com/spec/')),
    advice: 'fetch the file that it stands for: git lfs pull in its repository',
  },
  {
    ...kind('HTML page', ['.html', '.htm'], (head) => /^(<!doctype html|<html)/.test(textOf(head))),
    advice: 'download the file again: the address gave a page in its place',
  },
  kind(
    'archive',
    ['.zip', '.rar', '.7z', '.gz', '.tgz', '.tar', '.bz2', '.xz'],
    begins('PK\x03\x04', 'Rar!', '7z\xbc\xaf', '\x1f\x8b', 'BZh', '\xfd7zXZ'),
  ),
  kind(
    'video',
    ['.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.3gp', '.mts', '.flv'],
    (head) =>
      isMedia(head) ||
      begins('\x1aE\xdf\xa3', '\0\0\x01\xba', 'FLV')(head) ||
      (hasText(head, 0, 'RIFF') && hasText(head, 8, 'AVI ')),
  ),
  kind(
    'sound file',
    ['.mp3', '.wav', '.flac', '.ogg', '.m4a', '.aac'],
    (head) => begins('ID3', 'fLaC', 'OggS')(head) || (hasText(head, 0, 'RIFF') && hasText(head, 8, 'WAVE')),
  ),
  kind('sidecar file', ['.xmp', '.aae', '.thm', '.pp3']),
  kind('text file', [
    '.txt',
    '.md',
    '.csv',
    '.tsv',
    '.json',
    '.jsonl',
    '.xml',
    '.yaml',
    '.yml',
    '.log',
    '.ini',
    '.lst',
  ]),
];

/** What a file that begins so is; `undefined` if its beginning does not say it. */
export function fileKind(head: Uint8Array): FileKind | undefined {
  return kinds.find(({ matches }) => matches(head));
}

/** What a file of such a name is; `undefined` if its extension does not say it. */
export function namedKind(extension: string): FileKind | undefined {
  return kinds.find(({ extensions }) => extensions.includes(extension));
}

/** The plural of a kind's name. */
export function pluralOf(singular: string): string {
  return kinds.find((known) => known.singular === singular)?.plural ?? `${singular}s`;
}
