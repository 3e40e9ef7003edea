// A gallery's life on crops for a tiny model: enrolled, enrolled again, searched, changed, saved, loaded, damaged.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SphereFaceError, UsageError } from '../../../common/errors.js';
import { cosine } from '../../../evaluation/index.js';
import { encodePicture } from '../../../images/index.js';
import { tinyCrop, writeTinyCrops } from '../../../testing/tiny-crops.js';
import { tinyInput, tinyModel } from '../../../testing/tiny-model.js';
import { FaceRecognizer } from '../recognizer.js';
import { type GalleryManifest, manifestFile } from './manifest.js';

const names = ['anna', 'ben', 'Zoë', '10', '9'];
const metadata = { input: tinyInput, embeddingSize: 2 };

let scratch: string;
let people: string;
let faces: FaceRecognizer;

beforeAll(async () => {
  faces = await FaceRecognizer.open(tinyModel({ metadata }), { aligned: true, threads: 1 });
});
afterAll(() => faces.dispose());
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-gallery-'));
  people = join(scratch, 'people');
  await writeTinyCrops(people, names);
});
afterEach(() => rm(scratch, { recursive: true }));

/** What is enrolled, in a form to compare: the photos with their rows' answers. */
const listed = (gallery: { photos: readonly { identity: string; file: string }[] }) =>
  gallery.photos.map(({ identity, file }) => `${identity}: ${file}`).sort();

describe('a gallery', () => {
  it('knows its people and tells strangers from them', async () => {
    await using gallery = await faces.enroll(people);
    expect([...gallery.identities].sort()).toEqual([...names].sort());
    for (const [person, name] of names.entries()) {
      const [match] = await gallery.identify(tinyCrop(person, 0), { threshold: 0.9999 });
      expect(match).toMatchObject({ identity: name, known: true, nearest: name });
      expect(match!.similarity).toBeCloseTo(1, 5);
    }
    const all = await gallery.identify(tinyCrop(99, 0), { top: 10, threshold: 1 });
    expect(all).toHaveLength(names.length);
    expect(all.map(({ similarity }) => similarity)).toEqual(all.map((match) => match.similarity).sort((a, b) => b - a));
    for (const { identity, known } of all) expect({ identity, known }).toEqual({ identity: 'unknown', known: false });
    expect(new Set(all.map(({ nearest }) => nearest))).toEqual(new Set(names));
    // The model is not calibrated: without a threshold nobody is known, however similar.
    expect(await gallery.identify(tinyCrop(0, 0))).toMatchObject([{ identity: 'unknown', nearest: 'anna' }]);
  });

  it('enrolled again does what changed and nothing else', async () => {
    const gallery = await faces.enroll(people);
    const before = listed(gallery);
    expect(await gallery.enroll(people)).toMatchObject({
      added: 0,
      changed: 0,
      removed: 0,
      unchanged: 10,
      problems: [],
    });
    // Touched, not changed: the content decides.
    await utimes(join(people, 'anna', '0.png'), new Date(), new Date(1e12));
    await writeFile(join(people, 'ben', '0.png'), await encodePicture(tinyCrop(77, 0)));
    await writeFile(join(people, 'ben', 'text.png'), 'no picture');
    await rm(join(people, '9'), { recursive: true });
    await writeTinyCrops(people, ['anna', 'cleo'].slice(1));
    expect(await gallery.enroll(people)).toMatchObject({
      added: 3,
      changed: 1,
      removed: 2,
      unchanged: 7,
      problems: [{ file: 'ben/text.png', error: expect.stringContaining('not an image') as string }],
    });
    expect(gallery.problems).toMatchObject([{ identity: 'ben', file: 'ben/text.png' }]);
    // A photo that cannot be read is not tried again until it changes.
    expect(await gallery.enroll(people)).toMatchObject({ added: 0, changed: 0, removed: 0, unchanged: 11 });
    expect(listed(gallery)).toEqual(
      [...before.filter((line) => !line.startsWith('9:')), 'cleo: cleo/0.png', 'cleo: cleo/1.png'].sort(),
    );
    const [match] = await gallery.identify(tinyCrop(77, 0), { threshold: 0.9999 });
    expect(match).toMatchObject({ identity: 'ben' });
    await using fresh = await faces.enroll(people);
    expect(listed(fresh)).toEqual(listed(gallery));
    await gallery.dispose();
  });

  it('takes and gives up single people, whom enrolling a folder leaves alone', async () => {
    await using gallery = await faces.enroll(people);
    await gallery.add('dora', [tinyCrop(50, 0), tinyCrop(50, 1)]);
    await gallery.add('Zoe\u0308', tinyCrop(51, 0)); // Decomposed, as macOS has it: the same Zoë.
    expect(gallery.identities).toHaveLength(6);
    await gallery.enroll(people);
    expect(gallery.identities).toContain('dora');
    expect(await gallery.identify(tinyCrop(51, 0), { threshold: 0.9999 })).toMatchObject([{ identity: 'Zoë' }]);
    expect(await gallery.remove('dora')).toBe(2);
    expect(await gallery.remove('nobody')).toBe(0);
    expect(gallery.identities).toHaveLength(5);
    const bad = gallery.add('eve', [tinyCrop(60, 0), join(scratch, 'none.png')]);
    await expect(bad).rejects.toBeInstanceOf(UsageError);
    expect(gallery.identities).not.toContain('eve');
  });

  it('scores people by their best photo, or by the mean of them', async () => {
    const probe = tinyCrop(0, 5);
    const expected: number[] = [];
    for (const photo of [0, 1]) {
      const [a, b] = await faces.embedFaces([probe, tinyCrop(0, photo)]);
      expected.push(cosine(a!.embedding, b!.embedding));
    }
    for (const [score, similarity] of [
      ['best', Math.max(...expected)],
      ['mean', (expected[0]! + expected[1]!) / 2],
    ] as const) {
      await using gallery = await faces.enroll(people, { score });
      const matches = await gallery.identify(probe, { top: 5 });
      expect(matches.find(({ nearest }) => nearest === 'anna')!.similarity).toBeCloseTo(similarity, 5);
    }
  });

  it('calibrates itself on its own people', async () => {
    await using gallery = await faces.enroll(people);
    const decision = await gallery.calibrate(0.2);
    expect(decision).toMatchObject({ falsePositiveIdentificationRate: 0.2, from: "the gallery's own people" });
    const embedded = await faces.embedFaces(gallery.photos.map(({ file }) => join(people, file)));
    const strangers = embedded.map(({ embedding }, i) =>
      Math.max(
        ...embedded
          .filter((_, k) => gallery.photos[k]!.identity !== gallery.photos[i]!.identity)
          .map((other) => cosine(embedding, other.embedding)),
      ),
    );
    // Two of ten photos may pass; float32 scores.
    const above = strangers.filter((score) => score > decision.threshold! + 1e-6).length;
    expect(above).toBeLessThanOrEqual(2);
    expect(strangers.filter((score) => score > decision.threshold! - 1e-6).length).toBeGreaterThan(2);
    await expect(gallery.calibrate(0.01)).rejects.toThrow(/at least 100 photos/);
    await gallery.remove('anna');
    expect(gallery.decision().from).toBe('nothing');
  });

  it('has similarities of 1 at most, and so has its threshold, when people share photos', async () => {
    await using gallery = faces.gallery();
    for (let person = 0; person < 40; person++) {
      for (const name of ['a', 'b']) await gallery.add(`${name}${person}`, tinyCrop(person, 0));
    }
    const { threshold } = await gallery.calibrate(0.1);
    expect(threshold).toBeLessThanOrEqual(1);
    expect(threshold).toBeGreaterThan(0.99999);
    const path = join(scratch, 'twins');
    await gallery.save(path);
    await (await faces.loadGallery(path)).dispose();
  });

  it('gives side by side what it gives one after another', async () => {
    await using gallery = await faces.enroll(people);
    const probes = Array.from({ length: 12 }, (_, i) => tinyCrop(i % 7, i));
    const alone = [];
    for (const probe of probes) alone.push(await gallery.identify(probe, { top: 3 }));
    expect(await Promise.all(probes.map((probe) => gallery.identify(probe, { top: 3 })))).toEqual(alone);
    const path = join(scratch, 'saved');
    await Promise.all([
      gallery.add('dora', tinyCrop(50, 0)),
      gallery.save(path),
      gallery.remove('anna'),
      gallery.add('fay', tinyCrop(52, 0)),
      gallery.enroll(people),
      gallery.calibrate(0.5),
    ]);
    // In the order they were asked for: saved with dora and anna, without fay.
    await using saved = await faces.loadGallery(path);
    expect([...saved.identities].sort()).toEqual([...names, 'dora'].sort());
    expect([...gallery.identities].sort()).toEqual([...names, 'dora', 'fay'].sort());
  });

  it('is disposed of after what was asked for, and refuses the rest', async () => {
    const gallery = await faces.enroll(people);
    const alone = await gallery.identify(tinyCrop(0, 0));
    const asked = gallery.identifyEmbeddings([(await faces.embedFaces([tinyCrop(0, 0)]))[0]!.embedding]);
    const disposal = gallery.dispose();
    await expect(gallery.identify(tinyCrop(0, 0))).rejects.toThrow(/^This gallery has been disposed of/);
    expect(await asked).toEqual([alone]);
    await disposal;
    await gallery.dispose();
  });

  it('answers nothing when it is empty, and refuses what makes no sense', async () => {
    await using gallery = faces.gallery();
    expect(await gallery.identify(tinyCrop(0, 0))).toEqual([]);
    await expect(gallery.identify(tinyCrop(0, 0), { top: 0 })).rejects.toThrow(/`top`/);
    await expect(gallery.identifyEmbeddings([new Float32Array(3)])).rejects.toThrow(/none of this gallery/);
    await expect(gallery.add('', tinyCrop(0, 0))).rejects.toThrow(UsageError);
    await expect(gallery.enroll(join(scratch, 'nothing'))).rejects.toBeInstanceOf(UsageError);
  });
});

describe('a saved gallery', () => {
  let folder: string;
  beforeEach(() => {
    folder = join(scratch, 'gallery');
  });

  const manifestOf = async (): Promise<GalleryManifest> =>
    JSON.parse(await readFile(join(folder, manifestFile), 'utf8')) as GalleryManifest;

  it.each(['float32', 'float16'] as const)('is what it was: %s', async (type) => {
    await using gallery = await faces.enroll(people, { type, score: 'mean' });
    await writeFile(join(people, 'ben', 'text.png'), 'no picture');
    await gallery.enroll(people);
    await gallery.calibrate(0.3);
    await gallery.save(pathToFileURL(folder));
    await using loaded = await faces.loadGallery(folder);
    expect(loaded.photos).toEqual(gallery.photos);
    expect(loaded.problems).toEqual(gallery.problems);
    expect([loaded.type, loaded.score]).toEqual([type, 'mean']);
    expect(loaded.decision()).toEqual(gallery.decision());
    for (const probe of [tinyCrop(0, 9), tinyCrop(70, 0)]) {
      expect(await loaded.identify(probe, { top: 5 })).toEqual(await gallery.identify(probe, { top: 5 }));
    }
    expect(await loaded.enroll(people)).toMatchObject({ added: 0, changed: 0, removed: 0, unchanged: 11 });
  });

  it('is replaced whole: its old files serve until the manifest names new ones', async () => {
    await using gallery = await faces.enroll(people);
    await gallery.save(folder);
    const old = await manifestOf();
    const [embeddings, list] = [join(folder, old.embeddings), join(folder, old.list)];
    await Promise.all([copyFile(embeddings, `${embeddings}.kept`), copyFile(list, `${list}.kept`)]);
    const manifest = await readFile(join(folder, manifestFile));
    await gallery.add('dora', tinyCrop(50, 0));
    await gallery.save(folder);
    expect((await readdir(folder)).filter((name) => !name.endsWith('.kept'))).toHaveLength(3);
    // As an interruption before the last step leaves it: new files, the old manifest and what it names.
    await writeFile(join(folder, manifestFile), manifest);
    await Promise.all([rename(`${embeddings}.kept`, embeddings), rename(`${list}.kept`, list)]);
    {
      await using loaded = await faces.loadGallery(folder);
      expect(loaded.identities).not.toContain('dora');
      await loaded.save(folder);
    }
    // The interrupted save's files are gone as well.
    expect(await readdir(folder)).toHaveLength(3);
  });

  it('keeps what was enrolled when enrolling stops halfway, and goes on from there', async () => {
    await using gallery = faces.gallery();
    const stopped = gallery.enroll(people, {
      save: folder,
      onProgress: (done) => {
        if (done === 6) throw new Error('stopped');
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    await gallery.save(folder);
    await using loaded = await faces.loadGallery(folder);
    expect(loaded.photos).toHaveLength(6);
    expect(await loaded.enroll(people, { save: folder })).toMatchObject({ added: 4, unchanged: 6 });
    const progress: number[] = [];
    const within = loaded.enroll(people, {
      save: join(folder, 'gallery.json'),
      onProgress: (done) => progress.push(done),
    });
    await expect(within).rejects.toThrow(/gallery\.json cannot be written/);
    expect(progress).toEqual([]);
    await using complete = await faces.loadGallery(folder);
    expect(listed(complete)).toEqual(listed(await faces.enroll(people)));
  });

  it('is refused by another model, alignment or flip', async () => {
    await using gallery = await faces.enroll(people);
    await gallery.save(folder);
    const other = (options: Parameters<typeof tinyModel>[0], open = {}) =>
      FaceRecognizer.open(tinyModel(options), { aligned: true, threads: 1, ...open });
    const alignment = { ...tinyInput.alignment, version: 8 };
    for (const [recognizer, message] of [
      [other({ metadata, batch: 4 }), /made with another model[^]*got: the network/],
      [
        other({ metadata: { ...metadata, input: { ...tinyInput, alignment } } }),
        /another alignment[^]*version 7[^]*version 8/,
      ],
      [other({ metadata }, { flip: false }), /another setting of `flip`[^]*4 values, with/],
    ] as const) {
      await using opened = await recognizer;
      await expect(opened.loadGallery(folder)).rejects.toThrow(message);
    }
    // A calibration of the same network is no other model.
    const calibration = { data: '', genuinePairs: 1, impostorPairs: 9, flip: true, thresholds: [] };
    await using calibrated = await other({ metadata: { ...metadata, calibration } });
    await using loaded = await calibrated.loadGallery(folder);
    expect(loaded.identities).toHaveLength(names.length);
  });

  it('is refused when it is damaged, and a folder of other things is no gallery', async () => {
    await using gallery = await faces.enroll(people);
    await expect(gallery.save(people)).rejects.toThrow(/not a gallery, and not empty/);
    await expect(faces.loadGallery(people)).rejects.toThrow(/There is no gallery in/);
    await gallery.save(folder);
    const { embeddings, list, ...rest } = await manifestOf();
    const whole = new Map<string, Buffer>();
    for (const name of [embeddings, list, manifestFile]) whole.set(name, await readFile(join(folder, name)));
    const cases: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
      ['short rows', () => truncate(join(folder, embeddings), 200), /does not fit its gallery[^]*200 bytes/],
      ['no rows', () => rm(join(folder, embeddings)), /does not fit[^]*10 embeddings/],
      ['short list', () => truncate(join(folder, list), 0), /0 photos[^]*10 and 0/],
      [
        'NaN',
        async () => {
          const bytes = Buffer.from(whole.get(embeddings)!);
          bytes.writeFloatLE(NaN, 128 + 16 * 3);
          await writeFile(join(folder, embeddings), bytes);
        },
        /row 3 of length NaN/,
      ],
      [
        'a path',
        () => writeFile(join(folder, manifestFile), JSON.stringify({ ...rest, list, embeddings: '../x.npy' })),
        /does not describe a gallery[^]*embeddings/,
      ],
      [
        'a count',
        () => writeFile(join(folder, manifestFile), JSON.stringify({ ...rest, list, embeddings, photos: 2 ** 27 })),
        /10 photos/,
      ],
    ];
    for (const [name, damage, message] of cases) {
      await damage();
      await expect(faces.loadGallery(folder), name).rejects.toThrow(message);
      for (const [file, bytes] of whole) await writeFile(join(folder, file), bytes);
    }
    await (await faces.loadGallery(folder)).dispose();
  });

  it('of any damaged bytes is an error or a gallery, never a crash', async () => {
    await using gallery = await faces.enroll(people);
    await gallery.save(folder);
    const files = await readdir(folder);
    const whole = await Promise.all(files.map((name) => readFile(join(folder, name))));
    await mkdir(join(scratch, 'damaged'));
    const changes = fc.array(fc.tuple(fc.nat(2), fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const bytes = whole.map((file) => Buffer.from(file));
        for (const [file, at, value] of list) bytes[file]![at % bytes[file]!.length] = value;
        for (const [i, name] of files.entries()) await writeFile(join(scratch, 'damaged', name), bytes[i]!);
        await faces.loadGallery(join(scratch, 'damaged')).then(
          (loaded) => loaded.dispose(),
          (error: unknown) => {
            expect(error).toBeInstanceOf(SphereFaceError);
          },
        );
      }),
      { numRuns: 100 },
    );
  });
});
