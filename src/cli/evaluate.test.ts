// The evaluate command on a model that can be computed by hand: results, missing images, calibration, refusals.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { Random } from '../common/random.js';
import { MissingImagesError } from '../evaluation/index.js';
import { readMetadata, writeModel } from '../models/index.js';
import { evaluateModel } from '../pipeline/index.js';
import { runCommand } from '../testing/command.js';
import { pickleForms, writeVerificationSet } from '../testing/pickle-writer.js';
import { tinyEmbedding, tinyInput, tinyModel } from '../testing/tiny-model.js';
import { registerEvaluate } from './evaluate.js';

const identities = 12;
const each = 3;
/** Identities as colours with some noise: alike within, apart between. */
const crops = Array.from({ length: identities * each }, (_, index) => {
  const identity = Math.floor(index / each);
  const colour = new Random(identity + 100);
  const base = Array.from({ length: 18 }, () => colour.integer(200));
  const noise = new Random(index + 1);
  const data = Uint8Array.from(base, (value) => value + noise.integer(40));
  return { file: `id${identity}/${index % each}.png`, data };
});

let scratch: string;
let model: string;
let images: string;
let pairs: string;
const pairLines: [string, string, 0 | 1][] = [];
for (let identity = 0; identity < identities; identity++) {
  for (const [i, j] of [
    [0, 1],
    [1, 2],
  ]) {
    pairLines.push([`id${identity}/${i}.png`, `id${identity}/${j}.png`, 1]);
    pairLines.push([`id${identity}/${i}.png`, `id${(identity + 1 + i) % identities}/${j}.png`, 0]);
  }
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-evaluate-'));
  model = join(scratch, 'model.onnx');
  images = join(scratch, 'images');
  pairs = join(scratch, 'pairs.txt');
  await writeModel(model, tinyModel({ metadata: { input: tinyInput, embeddingSize: 2 } }));
  for (const { file, data } of crops) {
    await mkdir(join(images, file, '..'), { recursive: true });
    await sharp(data, { raw: { width: 3, height: 2, channels: 3 } }).toFile(join(images, file));
  }
  await writeFile(pairs, pairLines.map((line) => line.join(' ')).join('\n'));
});
afterAll(() => rm(scratch, { recursive: true }));

interface Result {
  protocol: string;
  pairs: number;
  used: number;
  folds: { accuracy: number; threshold: number }[];
  accuracy: { mean: number; std: number | null };
  auc: number;
  eer: number;
  tarAtFar: Record<string, number>;
  tarAtFarUnsupported: Record<string, string>;
  missing: { line: number; reason: string }[];
}

async function evaluate(...args: string[]): Promise<{ result: Result; page: string; stderr: string }> {
  const output = join(scratch, 'report');
  const command = ['evaluate', model, '--images', images, '-o', output, '--threads', '1', '--json', ...args];
  if (!args.includes('--pairs')) command.push('--pairs', pairs);
  const { stdout, stderr, error } = await runCommand(registerEvaluate, command);
  if (error !== undefined) throw error;
  const result = JSON.parse(await readFile(join(output, 'result.json'), 'utf8')) as Result;
  expect(JSON.parse(stdout)).toMatchObject(result);
  return { result, page: await readFile(join(output, 'index.html'), 'utf8'), stderr };
}

/** The similarity of two crops by the model's definition. */
function similarity(a: string, b: string, flip: boolean): number {
  const embedding = (file: string): number[] => {
    const { data } = crops.find((crop) => crop.file === file)!;
    return (flip ? [false, true] : [false]).flatMap((mirrored) =>
      tinyEmbedding({ width: 3, height: 2, data }, { mirrored }),
    );
  };
  const [x, y] = [embedding(a), embedding(b)];
  const dot = (u: number[], v: number[]): number => u.reduce((sum, value, i) => sum + value * v[i], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

describe('sphereface evaluate', () => {
  it('writes the fields that other programs rely on', async () => {
    const { result, page, stderr } = await evaluate();
    expect(result).toMatchObject({ protocol: '10-fold', pairs: 48, used: 48, missing: [] });
    expect(result.folds).toHaveLength(10);
    expect(result.accuracy.mean).toBeCloseTo(result.folds.reduce((sum, fold) => sum + fold.accuracy, 0) / 10, 14);
    expect(result.accuracy.std).toBeGreaterThan(0);
    expect(Object.keys(result.tarAtFar)).toEqual(['1e-1']);
    expect(result.tarAtFarUnsupported['1e-2']).toBe('needs 100 mismatched pairs, got 24');
    expect(page).toContain('10-fold');
    expect(stderr).toMatch(/10-fold: .*accuracy.*report/s);
  });

  it.each([true, false])('computes AUC from the similarities that the model defines (flip %s)', async (flip) => {
    const { result } = await evaluate('--protocol', 'best-threshold', ...(flip ? [] : ['--no-flip']));
    const scored = pairLines.map(([a, b, same]) => ({ score: similarity(a, b, flip), same }));
    let wins = 0;
    for (const { score } of scored.filter(({ same }) => same === 1)) {
      wins += scored.filter((other) => other.same === 0 && other.score < score).length;
    }
    expect(result.auc).toBeCloseTo(wins / 24 / 24, 12);
    const right = (threshold: number): number =>
      scored.filter(({ score, same }) => (same === 1 ? score > threshold : score < threshold)).length / 48;
    expect(result.folds).toHaveLength(1);
    expect(right(result.folds[0].threshold)).toBe(result.accuracy.mean);
    expect(result.accuracy.mean).toBeGreaterThanOrEqual(Math.max(...scored.map(({ score }) => right(score - 1e-9))));
    expect(result.accuracy.std).toBeNull();
  });

  it('chooses the threshold of view 1 on the other file', async () => {
    const training = join(scratch, 'train.txt');
    // The labels turned around: the best threshold of these pairs lies where it is worst for the others.
    await writeFile(training, pairLines.map(([a, b, same]) => `${a} ${b} ${1 - same}`).join('\n'));
    const honest = await evaluate('--threshold-pairs', pairs);
    const turned = await evaluate('--threshold-pairs', training);
    expect([honest.result.protocol, turned.result.protocol]).toEqual(['view1', 'view1']);
    expect(turned.result.accuracy.mean).toBeLessThan(honest.result.accuracy.mean);
    expect(turned.result.auc).toBe(honest.result.auc);
    expect(turned.page).toContain('train.txt');
  });

  it('fails when images are missing or unreadable, and with --allow-missing says how many were used', async () => {
    const more = join(scratch, 'more.txt');
    await writeFile(join(images, 'id0', 'broken.png'), 'no picture');
    await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } }).toFile(
      join(images, 'id1', 'odd.png'),
    );
    const extra = 'id0/none.png id1/0.png 0\nid0/broken.png id0/1.png 1\nid1/odd.png id1/1.png 1\n';
    await writeFile(more, extra + pairLines.map((line) => line.join(' ')).join('\n'));
    const failing = evaluate('--pairs', more);
    await expect(failing).rejects.toBeInstanceOf(MissingImagesError);
    await expect(failing).rejects.toThrow(/1 pair or listed image cannot be used[^]*line 1: no image id0\/none.png/);
    const listed = JSON.parse(await readFile(join(scratch, 'report', 'missing.json'), 'utf8')) as object[];
    expect(listed).toHaveLength(1);

    const { result, page, stderr } = await evaluate('--pairs', more, '--allow-missing', '--protocol', 'k-fold');
    expect(result).toMatchObject({ protocol: 'k-fold', pairs: 51, used: 48 });
    expect(result.missing.map(({ line, reason }) => `${line} ${reason}`)).toEqual([
      '1 no image id0/none.png',
      expect.stringMatching(/^2 cannot use id0\/broken.png: .*not an image/),
      expect.stringMatching(/^3 cannot use id1\/odd.png: .*wrong size; got: 9 wide, 9 high/),
    ]);
    await expect(readFile(join(scratch, 'report', 'missing.json'))).rejects.toThrow();
    expect(page).toMatch(/48 of 51 pairs were used/);
    expect(stderr).toMatch(/48 of 51 used/);
  });

  it('identifies probes against a gallery', async () => {
    const [gallery, probes] = [join(scratch, 'gallery.txt'), join(scratch, 'probes.txt')];
    const list = (from: number, to: number, image: number): string =>
      Array.from({ length: to - from }, (_, i) => `id${from + i}/${image}.png`).join('\n');
    await writeFile(gallery, list(0, 6, 0));
    await writeFile(probes, list(0, 12, 1));
    const { result } = await evaluate('--gallery', gallery, '--probes', probes);
    const identification = (result as unknown as { identification: Record<string, unknown> }).identification;
    let first = 0;
    for (let probe = 0; probe < 6; probe++) {
      const scores = Array.from({ length: 6 }, (_, id) => similarity(`id${probe}/1.png`, `id${id}/0.png`, true));
      if (scores.indexOf(Math.max(...scores)) === probe) first++;
    }
    expect(identification).toMatchObject({ galleryIdentities: 6, probesWithMate: 6, strangers: 6, missing: [] });
    expect((identification.rankRates as Record<string, number>)['1']).toBe(first / 6);
    expect(Object.keys(identification.tpirAtFpirUnsupported as object)).toContain('1e-1');
  });

  it('stores thresholds that do what they say, and refuses rates that the pairs cannot tell', async () => {
    await evaluate('--protocol', 'best-threshold', '--calibrate', '0.1,0.25');
    const calibration = (await readMetadata(model))!.calibration!;
    expect(calibration).toMatchObject({ genuinePairs: 24, impostorPairs: 24, flip: true });
    expect(calibration.data).toContain('pairs.txt');
    expect(calibration.thresholds.map(({ falseAcceptRate }) => falseAcceptRate)).toEqual([0.25, 0.1]);
    for (const { falseAcceptRate, threshold, trueAcceptRate } of calibration.thresholds) {
      const accepted = (kind: 0 | 1): number =>
        pairLines.filter(([a, b, same]) => same === kind && similarity(a, b, true) > threshold).length / 24;
      expect(accepted(0)).toBeLessThanOrEqual(falseAcceptRate);
      expect(accepted(1)).toBe(trueAcceptRate);
    }
    await expect(evaluate('--calibrate', '1e-3')).rejects.toThrow(/24 mismatched pairs[^]*at least 1000/);
  });

  it('refuses crops that were aligned in another way, and shows how those it takes were', async () => {
    const manifest = (version: number) => ({
      packageVersion: '9.8.7',
      alignment: { ...tinyInput.alignment, version },
      width: 3,
      height: 2,
      settings: { missing: 'skip' },
      counts: { photos: 40, aligned: 36, withoutFace: 4, unreadable: 0 },
    });
    const path = join(images, 'manifest.json');
    try {
      await writeFile(path, JSON.stringify(manifest(8)));
      await expect(evaluate()).rejects.toThrow(/aligned in another way[^]*version 8[^]*version 7/);
      await writeFile(path, JSON.stringify(manifest(7)));
      const { result, page } = await evaluate();
      expect(result).toMatchObject({ images: { counts: { aligned: 36 } }, model: { embeddingSize: 2 } });
      expect(page).toContain('36 of 40 photos; 4 without a face');
      await writeFile(path, JSON.stringify({ ...manifest(7), settings: undefined }));
      await expect(evaluate()).rejects.toThrow(/does not say how the crops were made[^]*settings/);
    } finally {
      await rm(path);
    }
  });

  it('takes a verification set that holds pairs and images', async () => {
    const encoded = await Promise.all(
      pairLines.flatMap(([a, b]) => [a, b]).map((file) => readFile(join(images, file))),
    );
    const set = join(scratch, 'set.bin');
    const flags = pairLines.map(([, , same]) => same === 1);
    await writeFile(set, writeVerificationSet(encoded, flags, pickleForms[0]));
    const output = join(scratch, 'set-report');
    const { stdout, error } = await runCommand(registerEvaluate, [
      ...['evaluate', model, '--pairs', set, '-o', output, '--threads', '1', '--json'],
    ]);
    expect(error).toBeUndefined();
    const { result } = await evaluate();
    // Float32 sums may differ in the last bit with the batch; the decisions do not.
    expect(JSON.parse(stdout)).toMatchObject({ pairs: 48, used: 48, auc: result.auc, accuracy: result.accuracy });
    await expect(evaluate('--pairs', set)).rejects.toThrow(/brings its own images/);
  });

  it('refuses options that do not belong together', async () => {
    await expect(evaluate('--protocol', 'view1')).rejects.toBeInstanceOf(UsageError);
    await expect(evaluate('--folds', '3')).rejects.toBeInstanceOf(UsageError);
    await expect(evaluate('--protocol', 'k-fold', '--folds', '1')).rejects.toThrow(/expected 2 folds or more/);
    const embedded: number[] = [];
    const inOneFold = evaluateModel({
      ...{ model, pairs, images, output: join(scratch, 'one'), protocol: 'k-fold', folds: 1 },
      onProgress: (done) => embedded.push(done),
    });
    await expect(inOneFold).rejects.toThrow(/One fold leaves no pairs/);
    expect(embedded).toEqual([]);
    await writeFile(join(scratch, 'one.txt'), 'id0/0.png');
    await expect(evaluate('--gallery', join(scratch, 'one.txt'))).rejects.toBeInstanceOf(UsageError);
    await expect(evaluate('--pairs', join(scratch, 'none.txt'))).rejects.toBeInstanceOf(UsageError);
  });
});
