// The directory of a zip: the names in it, whatever encoding they are in, and which entries cannot be read.
import type { FileHandle } from 'node:fs/promises';
import { type Entry, Reader, ZipReader } from '@zip.js/zip.js';
import { guessText } from '../code-pages.js';
import { readAt } from '../files.js';
import { plainPath } from '../names.js';
import { maxImageBytes } from '../source.js';
import type { ZipEntry } from './zip-entry.js';

/** A file in a zip. */
export interface ZipFile extends ZipEntry {
  /** Its path, with forward slashes and nothing superfluous. */
  readonly path: string;
  /** Why it cannot be read, whatever its name; `undefined` if it can. */
  readonly refusal: string | undefined;
}

/** The files of a zip, and what had to be guessed. */
export interface ZipDirectory {
  readonly files: readonly ZipFile[];
  readonly warnings: readonly string[];
}

/** zip.js takes its bytes from the file by position, so that nothing but the directory is read. */
class FileReader extends Reader<FileHandle> {
  constructor(
    private readonly handle: FileHandle,
    override readonly size: number,
  ) {
    super(handle);
  }

  override async readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    return readAt(this.handle, offset, Math.min(length, this.size - offset));
  }
}

/**
 * Reads the directory. Names that are neither marked as UTF-8 nor valid UTF-8 are read in the encoding that fits them all
 * best. Backslashes, which some programs of Windows write, separate folders; `.` and empty parts of a path are dropped.
 * @throws what zip.js throws for a file without a readable directory
 */
export async function readDirectory(handle: FileHandle, size: number): Promise<ZipDirectory> {
  const entries: { readonly kept: Omit<ZipFile, 'path' | 'name'>; readonly name: string; readonly raw?: Uint8Array }[] =
    [];
  // Names are checked by the caller, one by one: a single bad name is refused and listed, not the whole file.
  const reader = new ZipReader(new FileReader(handle, size), { filenameValidation: 'tolerant' });
  for await (const entry of reader.getEntriesGenerator()) {
    if (entry.directory) continue;
    const unclear = !entry.filenameUTF8 && entry.extraFieldUnicodePath === undefined;
    // A copy: the entry's own bytes are a view of the whole directory.
    entries.push({
      kept: kept(entry, size),
      name: entry.filename,
      ...(unclear ? { raw: entry.rawFilename.slice() } : {}),
    });
  }
  const unclear = entries.flatMap(({ raw }) => raw ?? []);
  const { texts, encoding } = guessText(unclear);
  const guessed = texts[Symbol.iterator]();
  const files = entries
    .map(({ kept, name, raw }) => ({ ...kept, name: raw === undefined ? name : (guessed.next().value ?? name) }))
    .map((file) => ({ ...file, path: file.name.replaceAll('\\', '/') }))
    .filter(({ path }) => !path.endsWith('/'))
    .map((file) => ({ ...file, path: plainPath(file.path) }));
  return { files, warnings: encoding === 'UTF-8' ? [] : [guessWarning(encoding, texts)] };
}

function guessWarning(encoding: string, names: readonly string[]): string {
  // eslint-disable-next-line no-control-regex -- names in ASCII alone are no examples
  const example = names.find((name) => /[^\x00-\x7f]/.test(name));
  return `the zip does not say how its names are encoded; they were read as ${encoding}: ${example ?? ''}`;
}

function kept(entry: Entry, fileSize: number): Omit<ZipFile, 'path' | 'name'> {
  return {
    offset: entry.offset,
    nameLength: entry.rawFilename.length,
    compressed: entry.compressedSize,
    size: entry.uncompressedSize,
    deflated: entry.compressionMethod === 8,
    crc: entry.crc32,
    refusal: refusal(entry, fileSize),
  };
}

function refusal(entry: Entry, fileSize: number): string | undefined {
  if (entry.symlink) return 'a symbolic link';
  if (entry.encrypted) return 'encrypted';
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    return `compression method ${entry.compressionMethod}; only stored and deflated entries can be read`;
  }
  if (entry.uncompressedSize > maxImageBytes || entry.compressedSize > maxImageBytes) {
    return `${Math.max(entry.uncompressedSize, entry.compressedSize)} bytes; at most ${maxImageBytes} are read`;
  }
  if (entry.offset + entry.compressedSize > fileSize) return 'lies beyond the end of the file';
  if (entry.compressionMethod === 0 && entry.compressedSize !== entry.uncompressedSize) {
    return 'a stored entry with two different sizes';
  }
  return undefined;
}
