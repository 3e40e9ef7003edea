// Looks paths up among the files of a source.
import { SphereFaceError } from '../../common/errors.js';

/**
 * A lookup of paths among `files`: exact first, then without extension. Where two files differ only in the extension,
 * the shorter path is refused: it could mean either.
 */
export function fileFinder(files: readonly string[]): (path: string) => number | undefined {
  const exact = new Map(files.map((file, index) => [file, index]));
  const stems = new Map<string, number>();
  const ambiguous = new Set<string>();
  for (const [index, file] of files.entries()) {
    const stem = file.replace(/\.[^./]+$/, '');
    if (stems.has(stem)) ambiguous.add(stem);
    stems.set(stem, index);
  }
  return (path) => {
    const clean = path.replace(/\\/g, '/').replace(/^(\.\/)+/, '');
    const found = exact.get(clean);
    if (found !== undefined) return found;
    if (ambiguous.has(clean)) {
      throw new SphereFaceError(`"${path}" could mean several images`, {
        got: files.filter((file) => file.startsWith(`${clean}.`)).join(', '),
        expected: 'one image of that name',
        next: 'write the extension in the pair file, or remove one of them',
      });
    }
    return stems.get(clean);
  };
}
