// Which files of a folder or an archive are images, and which names are safe to have.

/** The extensions that are read as images, in lower case. */
export const imageExtensions: ReadonlySet<string> = new Set([
  '.jpg',
  '.jpeg',
  '.png',
  '.webp',
  '.gif',
  '.avif',
  '.tif',
  '.tiff',
]);

/** Whether a name (no folder) is an image's: a known extension, and not a hidden file such as macOS's `._001.jpg`. */
export function isImageName(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > 0 && !name.startsWith('.') && imageExtensions.has(name.slice(dot).toLowerCase());
}

/**
 * Why a path inside an archive is unsafe, or `undefined` if it is fine: relative, forward slashes, no `..`, `.` or empty
 * parts, no control characters. Nothing is ever written by these names, but they become output paths further on.
 */
export function unsafePath(path: string): string | undefined {
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) return 'absolute path';
  if (path.includes('\\')) return 'backslash in the path';
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'control character in the path';
  const parts = path.split('/');
  if (parts.includes('..')) return '".." in the path';
  if (parts.includes('.') || parts.includes('')) return 'empty part in the path';
  return undefined;
}

/** The identity of an image by its path: its first folder, NFC; empty for an image that lies in no folder. */
export function identityOf(file: string): string {
  const slash = file.indexOf('/');
  return slash < 0 ? '' : file.slice(0, slash).normalize('NFC');
}

/** Orders paths by UTF-16 code units: the same on every machine and in every language. */
export function byFile(a: { readonly file: string }, b: { readonly file: string }): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0;
}
