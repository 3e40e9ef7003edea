import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../common/errors.js';
import { useScratch } from '../../testing/scratch.js';

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

  it('says what it found instead of images', async () => {
    await scratch.put('a/notes.txt');
    await expect(scratch.open(scratch.folder)).rejects.toThrow(/no image[^]*1 text file \(\.txt\)[^]*JPEG, PNG/);
    await expect(scratch.open(join(scratch.folder, 'missing'))).rejects.toThrow(UsageError);
  });
});
