// A zip of identity folders as an image source: the directory is read once, the images in any order, without unpacking.
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { type Entry, Reader, ZipReader } from '@zip.js/zip.js';
import { SphereFaceError, messageOf } from '../../common/errors.js';
import { parseManifest, statements } from '../crop-manifest.js';
import { entryAt, readAt } from '../files.js';
import { byFile, identityOf, isImageName, unsafePath } from '../names.js';
import { type IgnoredFile, maxImageBytes, openedSource, type OpenedSource, type RefusedFile } from '../source.js';
import type { ImageFormat } from './format.js';

export const zipFormat: ImageFormat = {
  kind: 'zip',
  describes: 'a zip of one',
  documentation: {
    looksLike: 'the same in a zip; one wrapping folder is looked through',
    identity: 'the first folder',
    order: 'by path',
  },
  matches: (path, head) => head !== undefined && (isZip(head) || /\.zip$/i.test(path)),
  open: openZip,
};

function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b;
}

/** zip.js takes its bytes from the file by position, so that nothing but the directory is read. */
export class FileReader extends Reader<FileHandle> {
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

/** What is kept of a directory entry (zip.js's own carries forty fields, too many for a million images). */
interface ZipEntry {
  file: string;
  identity: string;
  readonly name: string;
  readonly offset: number;
  readonly nameLength: number;
  readonly compressed: number;
  readonly size: number;
  readonly deflated: boolean;
  readonly crc: number | undefined;
}

/**
 * Opens a zip. Entries with unsafe names (`..`, absolute, …), links, encrypted or oversized entries are refused and
 * listed. A zip of the folder itself (`faces/identity/001.jpg` everywhere) is read as one of its contents.
 * @throws SphereFaceError if the file has no readable zip directory.
 */
export async function openZip(path: string): Promise<OpenedSource> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const head = await readAt(handle, 0, 4);
    if (!isZip(head)) {
      throw new SphereFaceError(`${path} is not a zip file.`, {
        got: `a file starting ${Buffer.from(head).toString('hex') || 'with nothing'}`,
        next: 'copy or download the file again',
      });
    }
    const refused: RefusedFile[] = [];
    const entries: ZipEntry[] = [];
    const ignored: IgnoredFile[] = [];
    const seen = new Set<string>();
    const manifests = new Map<string, ZipEntry>();
    // Names are checked below, one by one: a single bad name is refused and listed, not the whole file.
    const reader = new ZipReader(new FileReader(handle, size), { filenameValidation: 'tolerant' });
    for await (const entry of reader.getEntriesGenerator()) {
      if (entry.directory) continue;
      const file = entry.filename;
      if (/^([^/]+\/)?manifest\.json$/.test(file) && refusal(entry, size) === undefined)
        manifests.set(file, kept(entry));
      if (file.startsWith('__MACOSX/') || !isImageName(file.slice(file.lastIndexOf('/') + 1))) {
        ignored.push({ file, kind: 'other file' });
        continue;
      }
      const reason = seen.has(file) ? 'the name occurs twice' : refusal(entry, size);
      seen.add(file);
      if (reason !== undefined) refused.push({ file, reason });
      else entries.push(kept(entry));
    }
    const wrapper = stripWrapper(entries);
    const manifest = manifests.get(`${wrapper}manifest.json`);
    const stated =
      manifest === undefined
        ? undefined
        : parseManifest(Buffer.from(await readEntry(handle, manifest)).toString(), join(path, manifest.name));
    entries.sort(byFile);
    refused.sort(byFile);
    ignored.sort(byFile);
    return openedSource({
      kind: 'zip',
      root: path,
      entries,
      ignored,
      refused,
      ...statements(stated),
      read: async (index) => readEntry(handle, entryAt(entries, index)),
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

function refusal(entry: Entry, fileSize: number): string | undefined {
  const unsafe = unsafePath(entry.filename);
  if (unsafe !== undefined) return unsafe;
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

function kept(entry: Entry): ZipEntry {
  return {
    file: entry.filename,
    identity: identityOf(entry.filename),
    name: entry.filename,
    offset: entry.offset,
    nameLength: entry.rawFilename.length,
    compressed: entry.compressedSize,
    size: entry.uncompressedSize,
    deflated: entry.compressionMethod === 8,
    crc: entry.crc32,
  };
}

/**
 * Drops the first folder if all images share it and all lie at least one folder deeper.
 * @returns what was dropped, `faces/`, or nothing
 */
function stripWrapper(entries: readonly ZipEntry[]): string {
  const wrapper = entries[0]?.file.split('/', 1)[0];
  if (wrapper === undefined || wrapper === entries[0].file) return '';
  const cut = wrapper.length + 1;
  if (!entries.every(({ file }) => file.startsWith(`${wrapper}/`) && file.includes('/', cut))) return '';
  for (const entry of entries) {
    entry.file = entry.file.slice(cut);
    entry.identity = identityOf(entry.file);
  }
  return `${wrapper}/`;
}

const inflate = promisify<Buffer | Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw);

const localHeaderSize = 30;
const localHeaderSignature = 0x04034b50;
/** Extra fields of a local header are this long at most in the archives one meets; longer ones cost a second read. */
const usualExtra = 64;

async function readEntry(handle: FileHandle, entry: ZipEntry): Promise<Uint8Array> {
  const wrong = (got: string): SphereFaceError =>
    new SphereFaceError(`The zip entry ${entry.name} is damaged.`, { got, next: 'copy or download the zip again' });

  const headLength = localHeaderSize + entry.nameLength + usualExtra;
  const head = await readAt(handle, entry.offset, headLength + entry.compressed);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < localHeaderSize || view.getUint32(0, true) !== localHeaderSignature) throw wrong('no local header');
  const start = localHeaderSize + view.getUint16(26, true) + view.getUint16(28, true);
  let body = head.subarray(start, start + entry.compressed);
  if (body.length < entry.compressed) body = await readAt(handle, entry.offset + start, entry.compressed);
  if (body.length < entry.compressed) throw wrong(`${body.length} bytes where ${entry.compressed} should be`);

  let data: Uint8Array = body;
  if (entry.deflated) {
    try {
      data = await inflate(body, { maxOutputLength: Math.max(entry.size, 1) });
    } catch (error) {
      throw wrong(messageOf(error));
    }
  }
  if (data.length !== entry.size) throw wrong(`${data.length} bytes where ${entry.size} should be`);
  if (entry.crc !== undefined && crc32(data) !== entry.crc) throw wrong('another checksum than the directory states');
  return data;
}
