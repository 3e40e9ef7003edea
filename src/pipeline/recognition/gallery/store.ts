// A gallery on disk: a folder of `gallery.json`, a list of photos, and the embeddings as a NumPy array.
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeFileAtomic } from '../../../common/atomic.js';
import { messageOf, SphereFaceError, UsageError } from '../../../common/errors.js';
import { float16Values } from '../../../common/float16.js';
import { maxNpyHeader, npyHeader, readNpyHeader } from '../../../models/index.js';
import { Contents } from './contents.js';
import { type GalleryManifest, manifestFile, parseManifest, parsePhotoLine, type PhotoLine } from './manifest.js';
import { blockRows } from './rows.js';

/** The longest line of the list: a path of 4,096 bytes, an identity, an error. */
const maxLine = 2 ** 16;
/** NumPy's names of the types. */
const descrOf = { float32: '<f4', float16: '<f2' } as const;
/** How far a stored row's length may lie from 1: beyond what float16 rounds. */
const tolerance = 5e-3;

/**
 * Writes a gallery into `folder`. The files get new names and `gallery.json`, which names them, is replaced last: whoever reads, or an
 * interruption at any moment, meets the old gallery or the new one. What the old one named is removed afterwards.
 */
export async function writeGallery(
  folder: string,
  contents: Contents,
  facts: Omit<GalleryManifest, 'photos' | 'problems' | 'embeddings' | 'list' | 'format' | 'version'>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = await readdir(folder);
  const foreign = before.find((name) => !isOurs(name) && !name.startsWith('.'));
  if (foreign !== undefined && !before.includes(manifestFile)) {
    throw new UsageError(`${folder} is not a gallery, and not empty.`, { got: foreign, next: 'choose another folder' });
  }
  const mark = randomBytes(6).toString('hex');
  const manifest: GalleryManifest = {
    format: 'sphereface-gallery',
    version: 1,
    ...facts,
    photos: contents.photos.length,
    problems: contents.problems.length,
    embeddings: `embeddings-${mark}.npy`,
    list: `photos-${mark}.jsonl`,
  };
  await writeFileAtomic(join(folder, manifest.embeddings), arrayOf(contents));
  await writeFileAtomic(join(folder, manifest.list), linesOf(contents));
  await writeFileAtomic(join(folder, manifestFile), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const name of before) if (isOurs(name) && name !== manifestFile) await rm(join(folder, name), { force: true });
}

function isOurs(name: string): boolean {
  return (
    name === manifestFile ||
    /^(embeddings-[0-9a-f]{12}\.npy|photos-[0-9a-f]{12}\.jsonl)(\.[0-9a-f]{12}\.tmp)?$/.test(name)
  );
}

function* arrayOf({ rows }: Contents): Generator<Uint8Array> {
  yield npyHeader(descrOf[rows.type], [rows.count, rows.width]);
  for (const { data } of rows.chunks()) yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A line per photo, some thousands at a time. */
function* linesOf({ photos, problems }: Contents): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const list of [photos, problems]) {
    for (let start = 0; start < list.length; start += 4096) {
      const lines = list.slice(start, start + 4096).map((photo) => `${JSON.stringify(photo)}\n`);
      yield encoder.encode(lines.join(''));
    }
  }
}

/** Whether a folder holds a gallery. */
export async function isGallery(folder: string): Promise<boolean> {
  const found = await stat(join(folder, manifestFile)).catch(() => undefined);
  return found?.isFile() === true;
}

/** Reads the manifest of a gallery. @throws UsageError when there is none. */
export async function readManifest(folder: string): Promise<GalleryManifest> {
  const path = join(folder, manifestFile);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`There is no gallery in ${folder}`, {
      got: messageOf(cause),
      expected: `a folder with ${manifestFile}`,
      next: 'make one: sphereface enroll MODEL PEOPLE -o GALLERY',
      cause,
    });
  });
  return parseManifest(text, path);
}

/**
 * Reads what a manifest names.
 * @throws SphereFaceError for files that are missing, damaged, or do not fit the manifest.
 */
export async function readContents(folder: string, manifest: GalleryManifest): Promise<Contents> {
  const { origin, type, photos } = manifest;
  const contents = new Contents(origin.width, type);
  await readList(join(folder, manifest.list), manifest, contents);
  const path = join(folder, manifest.embeddings);
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw damaged(path, messageOf(cause), `${photos} embeddings`);
  });
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, maxNpyHeader + 12));
    await handle.read(head, 0, head.length, 0);
    const { descr, shape, dataOffset } = readNpyHeader(head, path);
    const expected = dataOffset + photos * contents.rows.rowBytes;
    if (
      descr !== descrOf[type] ||
      shape.length !== 2 ||
      shape[0] !== photos ||
      shape[1] !== origin.width ||
      size !== expected
    ) {
      throw damaged(
        path,
        `${descr} [${shape.join(', ')}], ${size} bytes`,
        `${descrOf[type]} [${photos}, ${origin.width}], ${expected} bytes`,
      );
    }
    await readRows(handle, dataOffset, contents, photos, path);
  } finally {
    await handle.close();
  }
  contents.refresh();
  return contents;
}

async function readRows(
  handle: FileHandle,
  offset: number,
  { rows }: Contents,
  count: number,
  path: string,
): Promise<void> {
  for (let start = 0; start < count; start += blockRows) {
    const block = rows.extend(Math.min(blockRows, count - start));
    const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
    for (let filled = 0; filled < bytes.length;) {
      const at = offset + start * rows.rowBytes + filled;
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, at);
      if (bytesRead === 0) throw damaged(path, `the end after ${at} bytes`, 'more rows');
      filled += bytesRead;
    }
  }
  const halves = float16Values();
  for (const { start, rows: length, data } of rows.chunks()) {
    const kept = data instanceof Float32Array;
    for (let row = 0; row < length; row++) {
      let square = 0;
      for (let i = row * rows.width; i < (row + 1) * rows.width; i++) {
        const value = kept ? data[i]! : halves[data[i]!]!;
        square += value * value;
      }
      if (!(Math.abs(square - 1) <= tolerance)) {
        throw damaged(path, `row ${start + row} of length ${Math.sqrt(square)}`, 'rows of length 1');
      }
    }
  }
}

async function readList(path: string, { photos, problems }: GalleryManifest, contents: Contents): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw damaged(path, messageOf(cause), 'the list of photos');
  });
  if (found.size > (photos + problems) * maxLine)
    throw damaged(path, `${found.size} bytes`, `${photos + problems} photos`);
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    const photo: PhotoLine = parsePhotoLine(line, `${path}, line ${++number}`);
    const { identity, file, error } = photo;
    const stamp = photo.stamp === undefined ? undefined : { modified: undefined, ...photo.stamp };
    if (error === undefined) contents.photos.push({ identity, file, stamp });
    else contents.problems.push({ identity, file, stamp, error });
  }
  if (contents.photos.length !== photos || contents.problems.length !== problems) {
    const got = `${contents.photos.length} photos, ${contents.problems.length} without an embedding`;
    throw damaged(path, got, `${photos} and ${problems}`);
  }
}

function damaged(path: string, got: string, expected: string): SphereFaceError {
  return new SphereFaceError(`${path} does not fit its gallery.`, { got, expected, next: 'enroll the people again' });
}
