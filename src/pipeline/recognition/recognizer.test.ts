// The front door: on crops for a tiny model, and on photos with a detector of random weights, which finds faces in noise.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { SphereFaceError, UsageError } from '../../common/errors.js';
import { cosine } from '../../evaluation/index.js';
import { encodePicture, type Picture } from '../../images/index.js';
import { narrowFaceModel } from '../../testing/face-model.js';
import { randomWeights } from '../../testing/mtcnn-weights.js';
import { tinyCrop, writeTinyCrops } from '../../testing/tiny-crops.js';
import { tinyEmbedding, tinyInput, tinyModel } from '../../testing/tiny-model.js';
import type { EmbeddedFace, FailedPhoto } from './embedder.js';
import type { PhotoInput } from './photo-input.js';
import { FaceRecognizer, type RecognizerOptions } from './recognizer.js';

const metadata = { input: tinyInput, embeddingSize: 2 };
const onCrops: RecognizerOptions = { aligned: true, threads: 1 };

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-recognizer-'));
  await writeTinyCrops(join(scratch, 'crops'), ['anna', 'ben']);
});
afterAll(() => rm(scratch, { recursive: true }));

async function collected(results: AsyncIterable<EmbeddedFace | FailedPhoto>) {
  const all: (EmbeddedFace | FailedPhoto)[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe('a photo', () => {
  it('is one in every form', async () => {
    await using faces = await FaceRecognizer.open(tinyModel({ metadata }), onCrops);
    const picture = tinyCrop(0, 0);
    const path = join(scratch, 'crops', 'anna', '0.png');
    const bytes = await readFile(path);
    const rgba = new Uint8ClampedArray(24).fill(255);
    for (let pixel = 0; pixel < 6; pixel++) rgba.set(picture.data.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    const forms: PhotoInput[] = [
      path,
      pathToFileURL(path),
      bytes,
      new Uint8Array(bytes),
      new Blob([new Uint8Array(bytes)]),
      picture,
      { ...picture, data: rgba },
    ];
    const embedded = await faces.embedFaces(forms);
    const expected = [false, true].flatMap((mirrored) => tinyEmbedding(picture, { mirrored }));
    for (const { embedding } of embedded) {
      expect(embedding).toHaveLength(4);
      for (const [i, value] of expected.entries()) expect(embedding[i]).toBeCloseTo(value, 3);
    }
    const names = ['the photo', 'the photo', 'the photo', 'the photo', 'the photo'];
    expect(embedded.map(({ file }) => file)).toEqual([path, path, ...names]);
    const half = { ...picture, data: rgba.map((value, i) => (i % 4 === 3 ? 0 : value)) };
    const black = { ...picture, data: new Uint8Array(18) };
    const [seen, expectedBlack] = await faces.embedFaces([half, black]);
    expect(seen!.embedding).toEqual(expectedBlack!.embedding);
  });

  it.each([
    [5, /This is not a photo[^]*got: number[^]*a path/],
    [undefined, /not a photo[^]*got: undefined/],
    [null, /not a photo/],
    [{ width: 3, height: 2 }, /an object with width, height/],
    [{ width: 3, height: 2, data: new Uint8Array(5) }, /do not fill the photo[^]*5 values for 3 x 2/],
    [new URL('https://example.org/a.jpg'), /not a file's address[^]*https:/],
    ['none.jpg', /none\.jpg cannot be read/],
    [tmpdir(), /is not a file/],
  ])('%o is none', async (input, message) => {
    await using faces = await FaceRecognizer.open(tinyModel({ metadata }), onCrops);
    const failure = await faces.embedFaces([input as PhotoInput]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toMatch(message);
  });
});

describe('verify', () => {
  const vector = (crop: Picture) => [false, true].flatMap((mirrored) => tinyEmbedding(crop, { mirrored }));
  const at = cosine(vector(tinyCrop(0, 0)), vector(tinyCrop(1, 0)));
  const calibration = {
    data: 'pairs.txt',
    genuinePairs: 30,
    impostorPairs: 200,
    flip: true,
    thresholds: [
      { falseAcceptRate: 0.1, threshold: at - 0.01, trueAcceptRate: 0.9 },
      { falseAcceptRate: 0.01, threshold: at + 0.01, trueAcceptRate: 0.7 },
    ],
  };
  const pair = [tinyCrop(0, 0), tinyCrop(1, 0)] as const;

  it('gives no decision without a threshold', async () => {
    await using faces = await FaceRecognizer.open(tinyModel({ metadata }), onCrops);
    const verification = await faces.verify(...pair);
    expect(verification.similarity).toBeCloseTo(at, 5);
    expect(verification).toMatchObject({ same: undefined, threshold: undefined, falseAcceptRate: undefined });
    expect(await faces.verify(...pair, { threshold: at - 0.1 })).toMatchObject({
      same: true,
      threshold: at - 0.1,
      falseAcceptRate: undefined,
    });
    await expect(faces.verify(...pair, { falseAcceptRate: 0.1 })).rejects.toThrow(/`falseAcceptRate` means nothing/);
  });

  it('decides by the calibration, or by a threshold and what the calibration says of it', async () => {
    await using faces = await FaceRecognizer.open(tinyModel({ metadata: { ...metadata, calibration } }), onCrops);
    expect(await faces.verify(...pair)).toMatchObject({ same: false, falseAcceptRate: 0.01, trueAcceptRate: 0.7 });
    const loose = await faces.verify(...pair, { falseAcceptRate: 0.1 });
    expect(loose).toMatchObject({ same: true, threshold: at - 0.01, falseAcceptRate: 0.1 });
    const given = await faces.verify(...pair, { threshold: at - 0.005 });
    expect(given).toMatchObject({ same: true, falseAcceptRate: 0.1, trueAcceptRate: undefined });
    const unknown = faces.verify(...pair, { falseAcceptRate: 0.5 });
    await expect(unknown).rejects.toThrow(/got: 0\.5\n.*expected: 0\.1, 0\.01/);
    await using plain = await FaceRecognizer.open(tinyModel({ metadata: { ...metadata, calibration } }), {
      ...onCrops,
      flip: false,
    });
    await expect(plain.verify(...pair)).rejects.toThrow(/do not fit these embeddings[^]*without the mirrored/);
  });

  it('takes several photos a side together: the means of unit embeddings', async () => {
    await using faces = await FaceRecognizer.open(tinyModel({ metadata }), onCrops);
    const side = [tinyCrop(0, 0), tinyCrop(0, 1), tinyCrop(0, 2)];
    const unit = side.map(vector).map((values) => values.map((value) => value / Math.hypot(...values)));
    const mean = unit[0]!.map((_, i) => unit.reduce((sum, values) => sum + values[i]!, 0));
    const { similarity, photos } = await faces.verify(side, pair[1]);
    expect(similarity).toBeCloseTo(cosine(mean, vector(pair[1])), 5);
    expect(photos.map((list) => list.length)).toEqual([3, 1]);
    await expect(faces.verify([], pair[1])).rejects.toThrow(SphereFaceError);
  });
});

describe('embed', () => {
  it('gives a result per photo, in order, failures in their place', async () => {
    await using faces = await FaceRecognizer.open(tinyModel({ metadata }), onCrops);
    const folder = join(scratch, 'mixed');
    await writeTinyCrops(
      folder,
      Array.from({ length: 30 }, (_, i) => `p${String(i).padStart(2, '0')}`),
    );
    await writeFile(join(folder, 'p10', '0.png'), 'no picture');
    const results = await collected(faces.embed(folder));
    expect(results).toHaveLength(60);
    expect(results.map(({ file }) => file)).toEqual(results.map(({ file }) => file).sort());
    expect(results.filter(({ error }) => error !== undefined)).toMatchObject([{ file: 'p10/0.png' }]);
    const paths = results.map(({ file }) => join(folder, file));
    const listed = await collected(faces.embed(paths));
    expect(listed.map(({ embedding }) => embedding)).toEqual(results.map(({ embedding }) => embedding));
    expect(listed.find(({ error }) => error !== undefined)!.error).toMatch(/p10.0\.png: The file is not an image/);
    expect(await collected(faces.embed(pathToFileURL(folder)))).toEqual(results);
  });
});

describe('on photos', () => {
  const detector = { thresholds: [0.49, 0.4, 0.4], minSize: 36 } as const;
  const options: RecognizerOptions = { weights: randomWeights(), detector, threads: 2 };
  const photo = (seed: number, width = 50): Picture => {
    const random = new Random(seed);
    return { width, height: 44, data: Uint8Array.from({ length: width * 44 * 3 }, () => random.integer(256)) };
  };
  const photos = [photo(1), photo(2, 42), photo(3), photo(4, 60)];
  const blank: Picture = { width: 20, height: 20, data: new Uint8Array(1200) };
  let folder: string;
  let faces: FaceRecognizer;

  beforeAll(async () => {
    faces = await FaceRecognizer.open(narrowFaceModel(), options);
    folder = join(scratch, 'photos');
    for (const [i, picture] of photos.entries()) {
      await mkdir(join(folder, `person-${i % 2}`), { recursive: true });
      await writeFile(join(folder, `person-${i % 2}`, `${i}.png`), await encodePicture(picture));
    }
    await writeFile(join(folder, 'person-0', 'blank.png'), await encodePicture(blank));
  });
  afterAll(() => faces.dispose());

  it('finds faces with box, score and landmarks, and cuts the crop that the model takes', async () => {
    const found = await faces.detect(photos[0]!);
    expect(found.length).toBeGreaterThan(0);
    const scores = found.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(found.filter(({ chosen }) => chosen)).toHaveLength(1);
    const [face] = found;
    expect(face!.box).toHaveLength(4);
    expect(face!.landmarks).toHaveLength(5);
    expect(face!.crop()).toMatchObject({ width: 96, height: 112 });
    expect(await faces.detect(blank)).toEqual([]);
    const chosen = found.find((other) => other.chosen)!;
    const [byFace, byPhoto] = await faces.embedFaces([chosen, photos[0]!]);
    expect(byFace!.embedding).toEqual(byPhoto!.embedding);
    await expect(faces.verify(photos[0]!, blank)).rejects.toThrow(/no face in the photo[^]*`minSize` or `thresholds`/);
  });

  it('embeds a folder as it embeds the photos one by one', async () => {
    const results = await collected(faces.embed(folder));
    expect(results).toHaveLength(5);
    expect(results.filter(({ error }) => error !== undefined)).toEqual([
      { file: 'person-0/blank.png', error: 'no face found' },
    ]);
    for (const { file, embedding } of results) {
      if (embedding === undefined) continue;
      const [alone] = await faces.embedFaces([join(folder, file)]);
      // The threads of the pool sum in another order.
      expect(cosine(embedding, alone!.embedding)).toBeGreaterThan(0.999);
    }
  });

  it('gives side by side what it gives one after another, whatever is asked', async () => {
    const gallery = await faces.enroll(folder);
    const boxes = async (input: PhotoInput) => (await faces.detect(input)).map(({ box, score }) => ({ box, score }));
    const work: (() => Promise<unknown>)[] = [
      ...photos.map((input) => () => boxes(input)),
      ...photos.map((input) => () => faces.verify(input, photos[0]!)),
      ...photos.map((input) => () => faces.embedFaces([input])),
      ...photos.map((input) => () => gallery.identify(input, { top: 2 })),
      () => collected(faces.embed(photos)),
    ];
    const alone: unknown[] = [];
    for (const one of work) alone.push(await one());
    expect(await Promise.all(work.map((one) => one()))).toEqual(alone);
    await gallery.dispose();
  });

  it('says what is wrong with a model or a source before anything is done', async () => {
    await expect(FaceRecognizer.open(tinyModel({ metadata }), options)).rejects.toThrow(
      /cannot make[^]*template test[^]*`aligned`/,
    );
    await expect(FaceRecognizer.open(Uint8Array.of(1), options)).rejects.toThrow(/not an ONNX model/);
    const wrong = { ...options, device: 'gpu' as never };
    await expect(FaceRecognizer.open(narrowFaceModel(), wrong)).rejects.toThrow(/There is no device "gpu"/);
    await expect(
      FaceRecognizer.open(narrowFaceModel(), { ...options, detector: { minSize: 1 } }),
    ).rejects.toBeInstanceOf(UsageError);
    await using crops = await FaceRecognizer.open(tinyModel({ metadata }), onCrops);
    await expect(crops.detect(tinyCrop(0, 0))).rejects.toThrow(/not looked for[^]*without `aligned`/);
  });

  it('is disposed of after what was asked for, and refuses the rest', async () => {
    const opened = await FaceRecognizer.open(narrowFaceModel(), options);
    const [alone] = await faces.embedFaces([photos[0]!]);
    const asked = opened.embedFaces([photos[0]!]);
    const disposal = opened.dispose();
    await expect(opened.detect(photos[0]!)).rejects.toThrow(/^This face recognizer has been disposed of/);
    await expect(collected(opened.embed(photos))).rejects.toThrow(/has been disposed of/);
    expect((await asked)[0]!.embedding).toEqual(alone!.embedding);
    await disposal;
    await opened.dispose();
  });
});

describe('the package', () => {
  it('has the front door and what goes with it at its root', async () => {
    const root: Readonly<Record<string, unknown>> = await import('../../index.js');
    const names = ['FaceRecognizer', 'Gallery', 'Random', 'cosine', 'readEmbeddings', 'loadMtcnnWeights', 'openModel'];
    expect(names.filter((name) => typeof root[name] !== 'function')).toEqual([]);
  });
});
