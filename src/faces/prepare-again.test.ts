// `prepare` a second time: only what has changed is done, and the tree is the same as if all had been done at once.
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { journalName, manifestName } from '../images/crop-manifest.js';
import { openImageSource } from '../images/index.js';
import { useScratch } from '../testing/scratch.js';
import { defaultCrop } from './photo-settings.js';
import { photosToPrepare } from './photo-source.js';
import type { Landmarks } from './geometry.js';
import { type KnownDetections, prepare, type PrepareOptions } from './prepare.js';
import { templates } from './template.js';

const scratch = useScratch();

/** A face at the template's place in every photo, two in those called `two`, none in those called `none`. */
const known: KnownDetections = {
  find: (file) => {
    const landmarks = templates['112x96'].landmarks.map(([x, y]) => [x + 10, y + 5]) as unknown as Landmarks;
    const face = { box: [10, 5, 106, 117] as const, score: 1, landmarks };
    const faces = file.includes('none') ? [] : file.includes('two') ? [face, face] : [face];
    return { file, width: 120, height: 130, faces, chosen: faces.length === 0 ? null : faces.length - 1 };
  },
};

async function photo(path: string, grey: number): Promise<void> {
  const background = { r: grey, g: grey, b: grey };
  const image = sharp({ create: { width: 120, height: 130, channels: 3, background } });
  await scratch.put(path, await (path.endsWith('.jpg') ? image.jpeg() : image.png()).toBuffer());
}

async function run(photos: string, output: string, more: Partial<PrepareOptions> = {}) {
  await using source = await openImageSource(join(scratch.folder, photos));
  const place = join(scratch.folder, output);
  const chosen = await photosToPrepare(source, place);
  let worked = -1;
  const progress = (done: number) => (worked = done);
  const options = { known, threads: 1, packageVersion: 'test', progress, ...more };
  const { manifest, resumed, removed } = await prepare({ source: chosen, output: place, ...options });
  return { ...manifest, resumed, removed, worked: worked >= 0, warnings: chosen.warnings };
}

/** Paths and contents of all files but the journal, which also knows when the photos were changed. */
async function treeOf(output: string): Promise<Record<string, string>> {
  const folder = join(scratch.folder, output);
  const tree: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (name !== journalName) tree[name] = entry.isFile() ? (await readFile(path)).toString('base64') : 'folder';
  }
  return tree;
}

describe('prepare again', () => {
  it('does what was added, changed and removed, and nothing else', async () => {
    for (const [i, name] of ['ann/1.png', 'ann/2.png', 'bob/1.png', 'bob/two.png', 'cy/1.png'].entries())
      await photo(`photos/${name}`, 40 * i);
    expect((await run('photos', 'out')).counts.aligned).toBe(5);

    await photo('photos/ann/3.png', 200);
    await photo('photos/bob/1.png', 220);
    await rm(join(scratch.folder, 'photos/cy'), { recursive: true });
    await rename(join(scratch.folder, 'photos/ann/2.png'), join(scratch.folder, 'photos/ann/none.png'));
    const untouched = await stat(join(scratch.folder, 'out/ann/1.jpg'));
    const again = await run('photos', 'out');
    expect(again).toMatchObject({ resumed: 2, removed: 2, counts: { photos: 5, aligned: 4, withoutFace: 1 } });
    expect((await stat(join(scratch.folder, 'out/ann/1.jpg'))).ino).toBe(untouched.ino);
    await run('photos', 'fresh');
    expect(await treeOf('out')).toEqual(await treeOf('fresh'));
    expect(Object.keys(await treeOf('out'))).not.toContain('cy');
  });

  it('does nothing when nothing has changed, and little when only times have', async () => {
    await photo('photos/ann/1.png', 10);
    await photo('photos/ann/none.png', 10);
    await scratch.put('photos/ann/broken.jpg', 'not a picture');
    await run('photos', 'out');
    const files = [journalName, manifestName, 'ann/1.jpg'].map((name) => join(scratch.folder, 'out', name));
    const times = () => Promise.all(files.map(async (file) => (await stat(file)).mtimeMs));
    const before = await times();
    expect(await run('photos', 'out')).toMatchObject({ resumed: 3, worked: false });
    expect(await times()).toEqual(before);
    await utimes(join(scratch.folder, 'photos/ann/1.png'), 1e9, 1e9);
    expect(await run('photos', 'out')).toMatchObject({ resumed: 3, worked: false });
  });

  it('makes crops again that are gone or cut off', async () => {
    for (const i of [1, 2, 3]) await photo(`photos/ann/${i}.png`, 50 * i);
    await run('photos', 'out');
    const whole = await treeOf('out');
    await rm(join(scratch.folder, 'out/ann/1.jpg'));
    await writeFile(join(scratch.folder, 'out/ann/3.jpg'), 'cut');
    expect((await run('photos', 'out')).resumed).toBe(1);
    expect(await treeOf('out')).toEqual(whole);
  });

  it('refuses other settings by name, and other photos', async () => {
    await photo('photos/ann/1.png', 1);
    await photo('others/bob/1.png', 1);
    await run('photos', 'out');
    const before = await treeOf('out');
    await expect(run('photos', 'out', { crop: { ...defaultCrop, quality: 80 } })).rejects.toThrow(
      /other settings[\s\S]*got: settings\.quality 95[\s\S]*expected: settings\.quality 80/,
    );
    await expect(run('others', 'out')).rejects.toThrow(/crops of other photos[\s\S]*bob\/1\.png[\s\S]*ann\/1\.png/);
    expect(await treeOf('out')).toEqual(before);
  });

  it('gives way to a photo that comes to share a name, and takes the name back when it goes', async () => {
    await photo('photos/ann/1.png', 10);
    await run('photos', 'out');
    await photo('photos/ann/1.jpg', 200);
    expect((await run('photos', 'out')).renamed).toEqual([{ file: 'ann/1.png', crop: 'ann/1.png.jpg' }]);
    await run('photos', 'fresh');
    expect(await treeOf('out')).toEqual(await treeOf('fresh'));
    await rm(join(scratch.folder, 'photos/ann/1.jpg'));
    await run('photos', 'out');
    expect(Object.keys(await treeOf('out')).sort()).toEqual(['ann', 'ann/1.jpg', manifestName]);
  });

  it('tries a photo again that took too long, when it gets more time', async () => {
    await photo('photos/ann/1.png', 1);
    const short = await run('photos', 'out', { photoSeconds: 1e-3 });
    expect(short.unreadable).toEqual([{ file: 'ann/1.png', error: 'it took more than 0.001 s (--photo-seconds)' }]);
    expect((await run('photos', 'out', { photoSeconds: 1e-3 })).worked).toBe(false);
    expect(await run('photos', 'out')).toMatchObject({ resumed: 0, counts: { aligned: 1 } });
  });
});

describe('the output', () => {
  it('may lie in the folder of photos, and is never taken for photos; nor are crops of other runs', async () => {
    await photo('photos/ann/1.png', 1);
    await run('photos', 'photos/aligned');
    expect(await run('photos', 'photos/aligned')).toMatchObject({ resumed: 1, counts: { photos: 1, ignored: 0 } });
    const other = await run('photos', 'photos/again');
    expect(other.counts).toMatchObject({ photos: 1, aligned: 1, refused: 0 });
    expect(other.warnings.join()).toMatch(/aligned\/ holds crops of an earlier run/);
    expect(new Set(other.ignored.map(({ kind }) => kind))).toEqual(new Set(['output of an earlier run']));
    await expect(run('photos', 'photos')).rejects.toThrow(/lie over the photos/);
  });

  it('leaves strays out, said before the work, unless there is nothing else', async () => {
    await photo('photos/cover.png', 1);
    await photo('photos/ann/1.png', 1);
    const { counts, refused, warnings } = await run('photos', 'out');
    expect(counts).toMatchObject({ photos: 1, aligned: 1, refused: 1 });
    expect(refused).toEqual([{ file: 'cover.png', error: 'it lies in no identity folder' }]);
    expect(warnings.join()).toMatch(/1 image lies in no identity folder: cover\.png; left out/);
    await photo('flat/1.png', 1);
    expect((await run('flat', 'flat-out')).counts).toMatchObject({ photos: 1, aligned: 1, refused: 0 });
  });

  it('costs a photo only where it cannot be written: a file in place of a folder, a folder in place of a file', async () => {
    await photo('photos/ann/1.png', 1);
    await photo('photos/bob/1.png', 1);
    await photo('photos/cy/1.png', 1);
    await scratch.put('out/ann', 'a file');
    await mkdir(join(scratch.folder, 'out/bob/1.jpg/full'), { recursive: true });
    const { counts, unreadable } = await run('photos', 'out');
    expect(counts).toMatchObject({ photos: 3, aligned: 1, unreadable: 2 });
    expect(unreadable.map(({ file, error }) => `${file} ${error}`).join()).toMatch(
      /ann\/1\.png the crop cannot be written: E.*bob\/1\.png the crop cannot be written: E/,
    );
    await scratch.put('file', '');
    await expect(run('photos', 'file')).rejects.toThrow(/output folder .* cannot be made/);
  });

  it('holds crops of all faces where wanted: the person keeps the name, the others have their number', async () => {
    await photo('photos/ann/two.png', 1);
    await photo('photos/ann/1.png', 1);
    const crop = { ...defaultCrop, faces: 'all' as const };
    const { counts } = await run('photos', 'out', { crop });
    expect(counts).toMatchObject({ photos: 2, aligned: 2, crops: 3, withSeveralFaces: 1 });
    expect(Object.keys(await treeOf('out')).sort()).toEqual([
      'ann',
      'ann/1.jpg',
      'ann/two.jpg',
      'ann/two~1.jpg',
      manifestName,
    ]);
    expect((await run('photos', 'out', { crop })).worked).toBe(false);
  });

  it('has a folder for each identity that the names tell', async () => {
    await photo('photos/anna_1.png', 1);
    await photo('photos/berta_1.png', 1);
    await using source = await openImageSource(join(scratch.folder, 'photos'), { identityFrom: '{identity}_*' });
    const output = join(scratch.folder, 'out');
    const options = { known, threads: 1, packageVersion: 'test', layout: 'identity' as const };
    const { manifest } = await prepare({ source: await photosToPrepare(source, output), output, ...options });
    expect(manifest).toMatchObject({ counts: { aligned: 2 }, renamed: [] });
    expect(Object.keys(await treeOf('out')).sort()).toEqual(
      ['anna', 'anna/anna_1.jpg', 'berta', 'berta/berta_1.jpg', manifestName].sort(),
    );
  });
});
