// Streaming, resuming, and photos that cannot be read: with known detections, so that no weights are needed.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localGroup } from '../distributed/index.js';
import { openImageSource } from '../images/index.js';
import { writeZip } from '../testing/zip-writer.js';
import type { Landmarks } from './geometry.js';
import { defaultCrop, defaultPhotoSettings } from './photo-settings.js';
import { journalName, manifestName } from '../images/crop-manifest.js';
import { type KnownDetections, prepare, type PrepareOptions } from './prepare.js';
import { templates } from './template.js';

let scratch: string;
const packageVersion = '0.0.0-test';
const good = Array.from({ length: 12 }, (_, i) => `id${i % 3}/${String(i).padStart(2, '0')}.png`).sort();

/** Finds a face, at the template's own place, in every photo but those named `none`. */
const known: KnownDetections = {
  find: (file) => {
    const landmarks = templates['112x96'].landmarks.map(([x, y]) => [x + 10, y + 5]) as unknown as Landmarks;
    const faces = file.includes('none') ? [] : [{ box: [10, 5, 106, 117] as const, score: 1, landmarks }];
    return { file, width: 120, height: 130, faces, chosen: faces.length === 0 ? null : 0 };
  },
};

async function photo(seed: number): Promise<Buffer> {
  const data = Uint8Array.from({ length: 120 * 130 * 3 }, (_, i) => (i * (seed + 3) + (i >> 7) * 11) & 255);
  return sharp(data, { raw: { width: 120, height: 130, channels: 3 } })
    .png()
    .toBuffer();
}

async function put(path: string, data: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, data);
}

/** Every file of a tree with a digest of its content. */
async function treeOf(folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile())
      tree[path.slice(folder.length + 1)] = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    else tree[path.slice(folder.length + 1)] = 'folder';
  }
  return tree;
}

async function run(photos: string, output: string, more: Partial<PrepareOptions> = {}) {
  const source = await openImageSource(photos);
  try {
    return await prepare({ source, output, known, threads: 2, packageVersion, ...more });
  } finally {
    await source.dispose();
  }
}

/** A PNG of `side` × `side` black pixels: for 30,000 a hundred kilobytes that would unpack to 2.7 GB of RGB. */
function bomb(side: number): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1; // one bit a pixel, grey
  const rows = deflateSync(Buffer.alloc(side * (1 + side / 8)), { level: 1 });
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-prepare-'));
  for (const [i, file] of good.entries()) await put(join(scratch, 'photos', file), await photo(i));
});
afterAll(() => rm(scratch, { recursive: true }));

describe('prepare', () => {
  it('gives the same tree of crops and a manifest that says how they were made', async () => {
    const output = join(scratch, 'plain');
    const { manifest, resumed } = await run(join(scratch, 'photos'), output);
    expect(resumed).toBe(0);
    expect(manifest.counts).toEqual({
      photos: 12,
      aligned: 12,
      crops: 12,
      withoutFace: 0,
      unreadable: 0,
      refused: 0,
      ignored: 0,
      withSeveralFaces: 0,
      turned: 0,
      damaged: 0,
    });
    expect(manifest.alignment).toEqual({ template: 'sphereface-112x96', solver: 'cp2tform', version: 1 });
    const tree = await treeOf(output);
    const folders = ['id0', 'id1', 'id2'];
    expect(Object.keys(tree).sort()).toEqual(
      [...folders, manifestName, journalName, ...good.map((f) => f.replace('.png', '.jpg'))].sort(),
    );
    const crop = await sharp(join(output, good[0].replace('.png', '.jpg'))).metadata();
    expect([crop.width, crop.height, crop.format, crop.chromaSubsampling]).toEqual([96, 112, 'jpeg', '4:4:4']);
  });

  it('aligns: with PNG and a face at a whole-pixel shift, the crop is a copy', async () => {
    const output = join(scratch, 'png');
    await run(join(scratch, 'photos'), output, { crop: { ...defaultCrop, format: 'png' } });
    const crop = await sharp(join(output, good[3])).raw().toBuffer();
    const cut = await sharp(join(scratch, 'photos', good[3]))
      .extract({ left: 10, top: 5, width: 96, height: 112 })
      .raw()
      .toBuffer();
    expect(crop.equals(cut)).toBe(true);
  });

  it('goes on after an interruption, wherever it comes, with an identical tree', async () => {
    const whole = await treeOf(join(scratch, 'plain'));
    const output = join(scratch, 'interrupted');
    // From the second run on the first report tells what was done before.
    for (const stopAfter of [1, 4, 4]) {
      const stop = new AbortController();
      let done = 0;
      const progress = () => {
        if (++done === stopAfter) stop.abort();
      };
      await expect(run(join(scratch, 'photos'), output, { progress, signal: stop.signal })).rejects.toThrow(
        /Interrupted/,
      );
    }
    // A crash in the middle of a journal line, a half-written crop, and a crop that was lost.
    const journal = join(output, journalName);
    const lines = await readFile(journal, 'utf8');
    expect(lines.split('\n')).toHaveLength(1 + 7 + 1);
    await writeFile(journal, `${lines}{"faces":1,"by`);
    expect(await readdir(output)).not.toContain('.partial');
    await put(join(output, '.partial', 'abandoned'), 'half a crop');
    await truncate(join(output, good[5].replace('.png', '.jpg')), 100);
    const { resumed } = await run(join(scratch, 'photos'), output);
    expect(resumed).toBe(6);
    expect(await treeOf(output)).toEqual(whole);
  });

  it('divides the photos over ranks, stops on all when one is asked to, and makes the tree of one process', async () => {
    const output = join(scratch, 'ranks');
    const onRanks = (size: number, more: (rank: number) => Partial<PrepareOptions>) =>
      Promise.allSettled(
        localGroup(size).map((communicator) =>
          run(join(scratch, 'photos'), output, { communicator, threads: 1, ...more(communicator.rank) }),
        ),
      );
    const stopped = await onRanks(2, (rank) => (rank === 1 ? { signal: AbortSignal.abort() } : {}));
    for (const outcome of stopped) expect(String((outcome as PromiseRejectedResult).reason)).toMatch(/Interrupted/);
    const finished = await onRanks(3, () => ({}));
    for (const outcome of finished) expect(outcome).toMatchObject({ value: { resumed: 12 } });
    await rm(join(output, journalName));
    await rm(join(output, manifestName));
    await rm(join(output, 'id0'), { recursive: true });
    for (const outcome of await onRanks(3, () => ({}))) expect(outcome).toMatchObject({ value: { resumed: 0 } });
    expect(await treeOf(output)).toEqual(await treeOf(join(scratch, 'plain')));
  });

  it('survives being killed, and its tree is then the same as well', async () => {
    const output = join(scratch, 'killed');
    const script = join(scratch, 'run.mts');
    const here = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
    await writeFile(
      script,
      `import { prepare } from ${here('./prepare.ts')};
       import { openImageSource } from ${here('../images/index.ts')};
       const landmarks = ${JSON.stringify(templates['112x96'].landmarks.map(([x, y]) => [x + 10, y + 5]))};
       const find = (file) => ({ file, width: 120, height: 130, faces: [{ box: [10, 5, 106, 117], score: 1, landmarks }], chosen: 0 });
       let done = 0;
       await prepare({
         source: await openImageSource(${JSON.stringify(join(scratch, 'photos'))}),
         output: ${JSON.stringify(output)}, known: { find }, threads: 2, packageVersion: '${packageVersion}',
         progress: () => { if (++done === 5) process.kill(process.pid, 'SIGKILL'); },
       });`,
    );
    const killed = promisify(execFile)(process.execPath, ['--import', 'tsx', script]);
    await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL' });
    const { resumed } = await run(join(scratch, 'photos'), output);
    expect(resumed).toBeGreaterThanOrEqual(4);
    expect(await treeOf(output)).toEqual(await treeOf(join(scratch, 'plain')));
  });

  it('does nothing when all is done, and refuses a folder made with other settings or of other photos', async () => {
    const output = join(scratch, 'plain');
    const before = await treeOf(output);
    expect((await run(join(scratch, 'photos'), output)).resumed).toBe(12);
    const crop = { ...defaultCrop, solver: 'umeyama' as const };
    await expect(run(join(scratch, 'photos'), output, { crop })).rejects.toThrow(
      /other settings[\s\S]*cp2tform[\s\S]*umeyama/,
    );
    await put(join(scratch, 'others', 'id9', '1.png'), await photo(1));
    await expect(run(join(scratch, 'others'), output)).rejects.toThrow(/other photos/);
    expect(await treeOf(output)).toEqual(before);
  });

  it('costs one line for each photo that cannot be read, and nothing else', async () => {
    const photos = join(scratch, 'hostile');
    const jpeg = await sharp(await photo(1))
      .jpeg()
      .toBuffer();
    await put(join(photos, 'a/1-good.png'), await photo(1));
    await put(join(photos, 'a/2-empty.jpg'), '');
    await put(join(photos, 'a/3-text.jpg'), 'this is not an image');
    await put(join(photos, 'a/4-truncated.jpg'), jpeg.subarray(0, 300));
    await put(join(photos, 'a/5-bomb.png'), bomb(30000));
    await put(join(photos, 'a/6-none.png'), await photo(2));
    await put(join(scratch, 'secret.png'), await photo(9));
    await symlink(join(scratch, 'secret.png'), join(photos, 'a/7-link.png'));
    await put(join(photos, 'a/8-good.png'), await photo(3));
    await put(join(photos, 'notes.txt'), 'ignored');
    const { manifest } = await run(photos, join(scratch, 'hostile-out'));
    expect(manifest.counts).toMatchObject({
      photos: 7,
      aligned: 2,
      withoutFace: 1,
      unreadable: 4,
      refused: 1,
      damaged: 0,
    });
    expect(manifest.withoutFace).toEqual(['a/6-none.png']);
    expect(manifest.unreadable.map(({ file }) => file)).toEqual([
      'a/2-empty.jpg',
      'a/3-text.jpg',
      'a/4-truncated.jpg',
      'a/5-bomb.png',
    ]);
    for (const { error } of manifest.unreadable) expect(error).toMatch(/^[^\n]{10,}$/);
    expect(manifest.refused).toEqual([{ file: 'a/7-link.png', error: 'the link leads out of the folder' }]);
    expect(Object.keys(await treeOf(join(scratch, 'hostile-out'))).sort()).toEqual(
      ['a', 'a/1-good.jpg', 'a/8-good.jpg', manifestName].concat(journalName).sort(),
    );
  });

  it('takes what is there of a damaged photo, and says so, or refuses it where it is told so', async () => {
    const photos = join(scratch, 'strict');
    await put(join(photos, 'a/1.png'), await photo(1));
    const jpeg = await sharp(await photo(1))
      .jpeg()
      .toBuffer();
    await put(join(photos, 'a/2-truncated.jpg'), jpeg.subarray(0, jpeg.length / 2));
    const lenient = (await run(photos, join(scratch, 'lenient-out'))).manifest;
    expect(lenient.counts).toMatchObject({ aligned: 2, unreadable: 0, damaged: 1 });
    expect(lenient.damaged).toEqual(['a/2-truncated.jpg']);
    const settings = { ...defaultPhotoSettings, strict: true };
    const { manifest } = await run(photos, join(scratch, 'strict-out'), { settings });
    expect(manifest.counts).toMatchObject({ aligned: 1, unreadable: 1, damaged: 0 });
    expect(manifest.unreadable[0].error).toMatch(/truncated or damaged/);
  });

  it('decodes CMYK, 16-bit, grey, transparent, rotated and animated photos alike', async () => {
    const photos = join(scratch, 'kinds');
    const base = () =>
      sharp({ create: { width: 120, height: 130, channels: 3, background: { r: 90, g: 160, b: 60 } } });
    await put(join(photos, 'a/1-rgb.png'), await base().png().toBuffer());
    await put(join(photos, 'a/2-cmyk.jpg'), await base().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer());
    await put(join(photos, 'a/3-deep.png'), await base().toColourspace('rgb16').png().toBuffer());
    await put(join(photos, 'a/4-alpha.png'), await base().ensureAlpha().png().toBuffer());
    await put(join(photos, 'a/5-gray.jpg'), await base().grayscale().jpeg().toBuffer());
    const turned = await base().rotate(90).withMetadata({ orientation: 8 }).jpeg({ quality: 100 }).toBuffer();
    await put(join(photos, 'a/6-turned.jpg'), turned);
    const other = await sharp({ create: { width: 120, height: 130, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const frames = [await base().png().toBuffer(), other];
    await put(
      join(photos, 'a/7-moving.gif'),
      await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
    );
    const output = join(scratch, 'kinds-out');
    const { manifest } = await run(photos, output, { crop: { ...defaultCrop, format: 'png' } });
    expect(manifest.counts.aligned).toBe(7);
    for (const name of ['1-rgb', '2-cmyk', '3-deep', '4-alpha', '6-turned', '7-moving']) {
      const [r, g, b] = await sharp(join(output, `a/${name}.png`))
        .raw()
        .toBuffer();
      // CMYK and back without a profile loses some levels; nothing else does.
      expect(Math.max(Math.abs(r - 90), Math.abs(g - 160), Math.abs(b - 60)), name).toBeLessThanOrEqual(
        name === '2-cmyk' ? 20 : 2,
      );
    }
  });

  it('does about a missing face what it is told', async () => {
    const photos = join(scratch, 'missing');
    await put(join(photos, 'a/1.png'), await photo(1));
    await put(join(photos, 'a/2-none.png'), await photo(2));
    const center = await run(photos, join(scratch, 'center'), { crop: { ...defaultCrop, missing: 'center' } });
    expect(center.manifest.counts).toMatchObject({ aligned: 1, withoutFace: 1 });
    expect(Object.keys(await treeOf(join(scratch, 'center')))).toContain('a/2-none.jpg');
    const fail = run(photos, join(scratch, 'fail'), { crop: { ...defaultCrop, missing: 'fail' } });
    await expect(fail).rejects.toThrow(/no face in a photo[\s\S]*a\/2-none\.png/);
  });

  it('never writes outside of its folder, neither by names in a zip nor through links in the output', async () => {
    const zip = join(scratch, 'evil.zip');
    await writeFile(
      zip,
      writeZip([
        { name: '../outside/1.png', data: await photo(1) },
        { name: 'a/1.png', data: await photo(2) },
      ]),
    );
    const { manifest } = await run(zip, join(scratch, 'evil-out'));
    expect(manifest.counts).toMatchObject({ photos: 1, aligned: 1, refused: 1 });
    await expect(readdir(join(scratch, 'outside'))).rejects.toThrow(/ENOENT/);

    const output = join(scratch, 'linked-out');
    await mkdir(join(scratch, 'elsewhere'), { recursive: true });
    await mkdir(output);
    await symlink(join(scratch, 'elsewhere'), join(output, 'id0'));
    const linked = (await run(join(scratch, 'photos'), output)).manifest;
    expect(linked.counts).toMatchObject({ aligned: 8, unreadable: 4 });
    expect(linked.unreadable[0].error).toMatch(/outside of the output folder/);
    expect(await readdir(join(scratch, 'elsewhere'))).toEqual([]);
  });

  it('refuses photos above --max-pixels', async () => {
    const settings = { ...defaultPhotoSettings, maxPixels: 120 * 130 - 1 };
    const { manifest } = await run(join(scratch, 'photos'), join(scratch, 'small'), { settings });
    expect(manifest.counts).toMatchObject({ aligned: 0, unreadable: 12 });
  });
});
