// Nothing is lost without a word: of random trees of files, every one is in exactly one list, and a second run does nothing.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { journalName, manifestName } from '../images/crop-manifest.js';
import { openImageSource } from '../images/index.js';
import { fuzzRuns, fuzzTimeout } from '../testing/fuzz.js';
import type { Landmarks } from './geometry.js';
import { defaultCrop } from './photo-settings.js';
import type { PhotoRecord } from './photo-record.js';
import { photosToPrepare } from './photo-source.js';
import { type KnownDetections, prepare } from './prepare.js';
import { templates } from './template.js';

const landmarks = templates['112x96'].landmarks.map(([x, y]) => [x + 10, y + 5]) as unknown as Landmarks;
const face = { box: [10, 5, 106, 117] as const, score: 1, landmarks };
/** No weights: what is in a photo is told by its name. */
const known: KnownDetections = {
  find: (file) => {
    const faces = /none/.test(file) ? [] : /two/.test(file) ? [face, face] : [face];
    return { file, width: 120, height: 130, faces, chosen: faces.length === 0 ? null : 0 };
  },
};

const contents = [
  'photo',
  'photo',
  'photo',
  'jpeg',
  'cut',
  'text',
  'empty',
  'locked',
  'link',
  'away',
  'nowhere',
] as const;
const folders = [
  'ann',
  'Ann',
  'bob b',
  '#1',
  'Zoe\u0308',
  'Zo\u00eb',
  '.hidden',
  '@eaDir',
  '__MACOSX',
  'a~2',
  'x/y/z',
  '0',
  '',
  'ü'.repeat(120),
];
const names = [
  '1',
  '01',
  'none',
  'two',
  'two~2',
  '.secret',
  'ann.1',
  'é',
  'e\u0301',
  ' ',
  '-o',
  'a\\b',
  'n'.repeat(246),
  'con',
];
const endings = ['.jpg', '.png', '.JPG', '.jpeg', '', '.txt', '.mp4', '.bmp', '.jpg.png'];

const file = fc.record({
  path: fc
    .tuple(fc.constantFrom(...folders), fc.constantFrom(...names), fc.constantFrom(...endings))
    .map(([folder, name, ending]) => (folder === '' ? `${name}${ending}` : `${folder}/${name}${ending}`)),
  content: fc.constantFrom(...contents),
});
const tree = fc.uniqueArray(file, { selector: ({ path }) => path, minLength: 1, maxLength: 14 });

let png: Buffer;
let jpeg: Buffer;
beforeAll(async () => {
  const picture = sharp({ create: { width: 120, height: 130, channels: 3, background: 'teal' } });
  [png, jpeg] = [await picture.clone().png().toBuffer(), await picture.jpeg().toBuffer()];
});

async function plant(root: string, path: string, content: (typeof contents)[number]): Promise<void> {
  const place = join(root, path);
  await mkdir(dirname(place), { recursive: true });
  const bytes = { photo: png, jpeg, cut: jpeg.subarray(0, 200), text: Buffer.from('words'), empty: Buffer.alloc(0) };
  switch (content) {
    case 'link':
      return symlink(join(root, 'ann', 'good.png'), place);
    case 'away':
      return symlink(tmpdir(), place);
    case 'nowhere':
      return symlink(join(root, 'not there'), place);
    case 'locked':
      await writeFile(place, png);
      return chmod(place, 0);
    default:
      return writeFile(place, bytes[content]);
  }
}

/** The paths of all files of a folder, links included. */
async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

async function run(root: string, output: string) {
  let worked = false;
  await using source = await openImageSource(root);
  const chosen = await photosToPrepare(source, output);
  const crop = { ...defaultCrop, faces: 'all' as const };
  const progress = () => (worked = true);
  const options = { crop, known, threads: 1, packageVersion: 'test', progress };
  return { ...(await prepare({ source: chosen, output, ...options })), worked };
}

it(
  'accounts for every file once, has the crops it says it has, and does nothing the second time',
  async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (files) => {
        const root = await mkdtemp(join(tmpdir(), 'sphereface-accounting-'));
        try {
          // One photo that can be read, so that the folder is a source of images at all; and a name that is no UTF-8.
          await plant(root, 'ann/good.png', 'photo');
          for (const { path, content } of files) await plant(root, path, content);
          await writeFile(Buffer.concat([Buffer.from(`${root}/ann/`), Buffer.from([0xe9]), Buffer.from('.jpg')]), png);
          const output = join(root, 'bob b', 'out');
          const { manifest } = await run(root, output);

          const { counts, withoutFace, unreadable, refused, ignored } = manifest;
          const lines = (await readFile(join(output, journalName), 'utf8')).trim().split('\n').slice(1);
          const records = lines.map((line) => JSON.parse(line) as PhotoRecord);
          const aligned = records.filter(({ faces }) => faces > 0);
          const listed = [
            ...aligned.map((record) => record.file),
            ...withoutFace,
            ...[...unreadable, ...refused, ...ignored].map((entry) => entry.file),
          ];
          // Backslashes are read as folders in names of images.
          const present = files.map(({ path }) => (listed.includes(path) ? path : path.replaceAll('\\', '/')));
          expect(listed.sort()).toEqual([...present, 'ann/good.png', 'ann/\\xe9.jpg'].sort());
          const { photos, aligned: number, crops } = counts;
          expect([photos, number]).toEqual([records.length, aligned.length]);
          expect(photos).toBe(counts.aligned + counts.withoutFace + counts.unreadable);
          expect(photos + counts.refused + counts.ignored).toBe(listed.length);
          expect(counts).toMatchObject({
            withoutFace: withoutFace.length,
            unreadable: unreadable.length,
            refused: refused.length,
            ignored: ignored.length,
          });

          const made = (await filesOf(output)).filter((name) => name !== journalName && name !== manifestName);
          expect(made.sort()).toEqual(records.flatMap((record) => record.crops.map(({ name }) => name)).sort());
          expect(made.length).toBe(crops);

          const again = await run(root, output);
          expect(again.worked).toBe(false);
          expect(again.manifest).toEqual(manifest);
        } finally {
          await rm(root, { recursive: true });
        }
      }),
      { numRuns: fuzzRuns(15) },
    );
  },
  fuzzTimeout(15),
);
