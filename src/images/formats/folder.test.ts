// Folders of images: identities, links, files told by content, hidden and unreadable ones, and what is said of each left out.
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../common/errors.js';
import { manifestOf } from '../../testing/crop-manifest.js';
import { useScratch } from '../../testing/scratch.js';
import { countIgnored, describeIgnored } from '../ignored.js';

const scratch = useScratch();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a folder', () => {
  it('lists images by identity, sorted, and counts the rest', async () => {
    for (const path of ['b/2.JPG', 'b/10.jpg', 'a/deep/1.png', 'a/notes.txt', 'loose.webp', 'a/._1.jpg']) {
      await scratch.put(path);
    }
    const source = await scratch.open(scratch.folder);
    expect(source.kind).toBe('folder');
    expect(source.entries).toEqual([
      { file: 'a/deep/1.png', identity: 'a' },
      { file: 'b/10.jpg', identity: 'b' },
      { file: 'b/2.JPG', identity: 'b' },
      { file: 'loose.webp', identity: '' },
    ]);
    expect(source.ignored.map(({ file }) => file)).toEqual(['a/._1.jpg', 'a/notes.txt']);
    expect(text(await source.read(1))).toBe('b/10.jpg');
    await expect(source.read(4)).rejects.toThrow(RangeError);
  });

  it('follows links inside and refuses links that lead out, nowhere or round in a circle', async () => {
    await scratch.put('root/a/1.jpg');
    await scratch.put('secret/2.jpg');
    const root = join(scratch.folder, 'root');
    await symlink(join(root, 'a', '1.jpg'), join(root, 'a', 'inside.jpg'));
    await symlink(join(root, 'a'), join(root, 'alias'));
    await symlink(join(scratch.folder, 'secret'), join(root, 'out'));
    await symlink(join(scratch.folder, 'secret', '2.jpg'), join(root, 'a', 'out.jpg'));
    await symlink(join(scratch.folder, 'nothing.jpg'), join(root, 'a', 'broken.jpg'));
    await symlink('..', join(root, 'a', 'circle'));
    const source = await scratch.open(root);
    expect(source.entries.map(({ file }) => file)).toEqual([
      'a/1.jpg',
      'a/inside.jpg',
      'alias/1.jpg',
      'alias/inside.jpg',
    ]);
    expect(text(await source.read(3))).toBe('root/a/1.jpg');
    expect(source.refused).toEqual([
      { file: 'a/broken.jpg', reason: expect.stringContaining('broken link') as string },
      { file: 'a/circle', reason: 'the link leads back to a folder above it' },
      { file: 'a/out.jpg', reason: 'the link leads out of the folder' },
      { file: 'alias/broken.jpg', reason: expect.stringContaining('broken link') as string },
      { file: 'alias/circle', reason: 'the link leads back to a folder above it' },
      { file: 'alias/out.jpg', reason: 'the link leads out of the folder' },
      { file: 'out', reason: 'the link leads out of the folder' },
    ]);
  });

  it('may itself be a link', async () => {
    await scratch.put('real/a/1.jpg');
    await symlink(join(scratch.folder, 'real'), join(scratch.folder, 'link'));
    expect((await scratch.open(join(scratch.folder, 'link'))).entries).toHaveLength(1);
  });

  it('tells by content what a name does not say, and counts what is no image by kind', async () => {
    const jpeg = await readFile(new URL('../fixtures/face.jpg', import.meta.url));
    await scratch.put('a/1.jpg');
    for (const name of ['a/noext', 'a/photo.txt', 'a/chrome.jfif', 'a/phone.HEIC']) await scratch.put(name, jpeg);
    await scratch.put('a/clip.mp4', '\0\0\0\x18ftypmp42');
    await scratch.put('a/clip.MOV', '\0\0\0\x14ftypqt  ');
    await scratch.put('a/scan', '%PDF-1.4');
    await scratch.put('a/notes.txt');
    await scratch.put('a/raw.dng', 'II*\0 and so on');
    await scratch.put('a/picture.jxl', '\xff\n');
    await scratch.put('a/nothing', '');
    await scratch.put('a/data.xyz');
    const source = await scratch.open(scratch.folder);
    expect(source.entries.map(({ file }) => file)).toEqual([
      'a/1.jpg',
      'a/chrome.jfif',
      'a/noext',
      'a/phone.HEIC',
      'a/photo.txt',
    ]);
    expect(source.ignored).toContainEqual({ file: 'a/scan', kind: 'PDF' });
    expect(describeIgnored(source.ignored)).toBe(
      '2 videos (.mov, .mp4), 1 JPEG XL image (.jxl), 1 PDF, 1 camera raw photo (.dng), 1 empty file, 1 other file (.xyz), 1 text file (.txt)',
    );
  });

  it('takes no hidden or system folder for a person, at any depth, and counts their files', async () => {
    await scratch.put('a/1.jpg');
    const hidden = ['.thumbnails/1.jpg', '@eaDir/x/1.jpg', 'a/.ipynb_checkpoints/2.jpg', 'a/b/__MACOSX/3.jpg'];
    const files = ['a/.DS_Store', 'a/Thumbs.db', 'a/desktop.ini', '.git/objects/00/1'];
    for (const name of [...hidden, ...files]) await scratch.put(name);
    const source = await scratch.open(scratch.folder);
    expect(source.entries).toEqual([{ file: 'a/1.jpg', identity: 'a' }]);
    expect(source.ignored.map(({ file }) => file)).toEqual([...hidden, ...files].sort());
    expect(countIgnored(source.ignored)).toEqual([{ kind: 'hidden or system file', files: 8, extensions: [] }]);
  });

  it('refuses a folder that may not be read, one with the name of an image, and names that are not UTF-8', async () => {
    await scratch.put('a/1.jpg');
    await scratch.put('a/2.jpg/3.jpg');
    await scratch.put('shut/1.jpg');
    await chmod(join(scratch.folder, 'shut'), 0);
    await chmod(scratch.folder, 0o755);
    const latin1 = Buffer.concat([Buffer.from(`${scratch.folder}/Andr`), Buffer.from([0xe9])]);
    await mkdir(latin1);
    await writeFile(Buffer.concat([latin1, Buffer.from('/1.jpg')]), 'x');
    // The superuser may read everything.
    const superuser = process.getuid?.() === 0;
    if (superuser) process.seteuid?.(65534);
    try {
      const source = await scratch.open(scratch.folder);
      expect(source.entries).toEqual([{ file: 'a/1.jpg', identity: 'a' }]);
      expect(source.refused).toEqual([
        { file: 'Andr\\xe9', reason: 'its name is not UTF-8' },
        { file: 'a/2.jpg', reason: "a folder with an image's name" },
        { file: 'shut', reason: 'the folder cannot be read: EACCES' },
      ]);
      await expect(scratch.open(join(scratch.folder, 'shut'))).rejects.toThrow(/shut cannot be read[^]*EACCES/);
    } finally {
      if (superuser) process.seteuid?.(0);
      await chmod(join(scratch.folder, 'shut'), 0o755);
    }
  });

  it('says that a folder around all people is taken for one, unless it is a person', async () => {
    for (const path of ['photos/cover.jpg', 'photos/anna/1.jpg', 'photos/ben/1.jpg']) await scratch.put(path);
    const { entries, warnings } = await scratch.open(scratch.folder);
    expect(new Set(entries.map(({ identity }) => identity))).toEqual(new Set(['photos']));
    expect(warnings).toEqual([
      expect.stringMatching(/one person, photos, but lie in 2 folders below photos\/: .* PATH\/photos$/),
    ]);
    expect((await scratch.open(join(scratch.folder, 'photos', 'anna'))).warnings).toEqual([]);
    await scratch.put('carl/1.jpg');
    expect((await scratch.open(scratch.folder)).warnings).toEqual([]);
  });

  it('reads backslashes in names as folders, as a zip of Windows has them, and says so', async () => {
    for (const name of [
      'anna\\0.jpg',
      'anna\\1.jpg',
      'ben/0.jpg',
      'ben\\0.jpg',
      'anna\\..\\..\\up.jpg',
      '__MACOSX\\a\\1.jpg',
    ])
      await scratch.put(name);
    const source = await scratch.open(scratch.folder);
    expect(source.entries).toEqual([
      { file: 'anna/0.jpg', identity: 'anna' },
      { file: 'anna/1.jpg', identity: 'anna' },
      { file: 'ben/0.jpg', identity: 'ben' },
    ]);
    expect(text(await source.read(1))).toBe('anna\\1.jpg');
    expect(source.refused).toEqual([
      { file: 'anna\\..\\..\\up.jpg', reason: '".." in the path' },
      { file: 'ben\\0.jpg', reason: 'the name occurs twice' },
    ]);
    expect(source.ignored).toEqual([{ file: '__MACOSX\\a\\1.jpg', kind: 'hidden or system file' }]);
    expect(source.warnings).toEqual([
      expect.stringMatching(/^2 names of images have backslashes.*anna\\0.jpg is anna\/0.jpg$/),
    ]);
  });

  it('does not count its own manifest as left out', async () => {
    await scratch.put('a/1.jpg');
    await scratch.put('manifest.json', JSON.stringify(manifestOf(1)));
    expect((await scratch.open(scratch.folder)).ignored).toEqual([]);
  });

  it('says what it found instead of images', async () => {
    await scratch.put('a/notes.txt');
    await expect(scratch.open(scratch.folder)).rejects.toThrow(/no image[^]*1 text file \(\.txt\)[^]*JPEG, PNG/);
    await expect(scratch.open(join(scratch.folder, 'missing'))).rejects.toThrow(UsageError);
  });
});
