// Which files of a folder or an archive are images, whose they are, and which names are safe to have.
import { normaliseName } from '../common/names.js';
import { pictureDecoders } from './decoders/index.js';

const imageExtensions: ReadonlySet<string> = new Set(pictureDecoders.flatMap(({ extensions }) => extensions));

/** The extension of a name, in lower case with its dot; empty without one. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') + 1 ? name.slice(dot).toLowerCase() : '';
}

/** Whether a name is an image's by its extension. Other names may be images too: their content says it. */
export function hasImageExtension(name: string): boolean {
  return imageExtensions.has(extensionOf(name));
}

const systemNames: ReadonlySet<string> = new Set([
  '@eadir',
  '@recycle',
  '#recycle',
  '#snapshot',
  '__macosx',
  '$recycle.bin',
  'system volume information',
  'lost+found',
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  'icon\r',
]);

/**
 * Whether a folder or file is a system's own: hidden (`.DS_Store`, `.thumbnails`, macOS's `._001.jpg`), or one of the
 * names that Windows, macOS and network storage leave behind (`Thumbs.db`, `__MACOSX`, `@eaDir`).
 */
export function isSystemName(name: string): boolean {
  return name.startsWith('.') || systemNames.has(name.toLowerCase());
}

/** A path without parts that say nothing, as in `./anna//1.jpg`; where it starts from stays. */
export function plainPath(path: string): string {
  const start = /^\/*/.exec(path)![0];
  const parts = path.slice(start.length).split('/');
  return `${start}${parts.filter((part) => part !== '' && part !== '.').join('/')}`;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
export const controlCharacter = /[\u0000-\u001f\u007f]/;

/** The longest name of a folder or file that file systems take, in bytes. */
const maxNameBytes = 255;

/**
 * Why a path inside an archive is unsafe, or `undefined` if it is fine: relative, forward slashes, no `..`, `.` or empty
 * parts, no control characters, no part that is too long. Nothing is ever written by these names, but they become
 * output paths further on.
 */
export function unsafePath(path: string): string | undefined {
  // `a:b/1.jpg` begins with a name that has a colon.
  if (path.startsWith('/') || /^[a-z]:(\/|\\|$)/i.test(path)) return 'absolute path';
  if (path.includes('\\')) return 'backslash in the path';
  if (controlCharacter.test(path)) return 'control character in the path';
  const parts = path.split('/');
  if (parts.includes('..')) return '".." in the path';
  if (parts.includes('.') || parts.includes('')) return 'empty part in the path';
  const longest = Math.max(...parts.map((part) => Buffer.byteLength(part)));
  if (longest > maxNameBytes) return `a name of ${longest} bytes; file systems take ${maxNameBytes}`;
  return undefined;
}

/** The identity of an image by its path: its first folder, NFC; empty for an image that lies in no folder. */
export function identityOf(file: string): string {
  const slash = file.indexOf('/');
  return slash < 0 ? '' : normaliseName(file.slice(0, slash));
}

/** Orders paths by UTF-16 code units: the same on every machine and in every language. */
export function byFile(a: { readonly file: string }, b: { readonly file: string }): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0;
}
