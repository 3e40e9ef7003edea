// Finding input conventions: networks whose convention is known and matters, people who are too few, and a published model on photos.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../common/errors.js';
import { openImageSource } from '../../images/index.js';
import { encodeMetadata } from '../../models/index.js';
import { withMetadataProps } from '../../graph/onnx/index.js';
import { writeZip } from '../../testing/zip-writer.js';
import { conventionModel, type TrueConvention, writeConventionCrops } from '../../testing/convention-model.js';
import { probeModel } from './probe.js';
import { agreement, pairsOf, separationOf } from './separation.js';

let scratch: string;
let crops: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-probe-'));
  crops = join(scratch, 'crops');
  await writeConventionCrops(crops, 12);
});
afterAll(() => rm(scratch, { recursive: true }));

const published: TrueConvention = { channelOrder: 'RGB', mean: 127.5, scale: 127.5 };

async function modelOf(convention: TrueConvention, side?: number): Promise<string> {
  const path = join(scratch, `${Object.values(convention).join('-')}-${side}.onnx`);
  await writeFile(path, conventionModel(convention, side));
  return path;
}

describe('probeModel', () => {
  it.each([
    { truth: published, equivalent: ['(x - 127.5) / 128'] },
    { truth: { channelOrder: 'BGR', mean: 0, scale: 1 } as const, equivalent: [] },
    { truth: { channelOrder: 'RGB', mean: 123.675, scale: 58.395 } as const, equivalent: [] },
  ])('finds $truth', async ({ truth, equivalent }) => {
    const steps: string[] = [];
    const model = await modelOf(truth);
    const onProgress = (step: string, done: number, total: number) => steps.push(`${step} ${done}/${total}`);
    const found = await probeModel(model, { photos: crops, threads: 1, onProgress });
    expect(await probeModel(model, { photos: crops, threads: 1 }), 'again').toEqual(found);
    const { input, conventions, runnerUp, warnings } = found;
    const red = input.channelOrder === 'RGB' ? 0 : 2;
    expect(input).toMatchObject({ width: 112, height: 112, channelOrder: truth.channelOrder });
    expect([input.mean[red], input.scale[red]]).toEqual([truth.mean, truth.scale]);
    expect(input.alignment).toEqual({ template: 'sphereface-112x112', solver: 'cp2tform', version: 1 });
    expect(found.equivalent.map(({ scaling }) => scaling)).toEqual(equivalent);
    expect(conventions).toHaveLength(14);
    expect(conventions[0].auc).toBe(1);
    expect(runnerUp!.dPrime).toBeLessThan(0.7 * conventions[0].dPrime);
    expect(runnerUp!.agreement).toBe(1);
    expect({ warnings, people: found.people, photos: found.photos }).toEqual({ warnings: [], people: 12, photos: 36 });
    expect(steps).toContain('photos 36/36');
    expect(steps.at(-1)).toBe('conventions 14/14');
  });

  it('says when people are few, and when the model knows nobody', async () => {
    const few = join(scratch, 'few');
    await writeConventionCrops(few, 4);
    // What it takes for dark is brighter than white: all crops are the same to it.
    const blind = await modelOf({ channelOrder: 'RGB', mean: 1e6, scale: 1 });
    const { warnings } = await probeModel(blind, { photos: few, threads: 1 });
    expect(warnings.join('\n')).toMatch(/only 4 people[^]*hardly separates/);
    await rm(few, { recursive: true });
    await writeConventionCrops(few, 1);
    await expect(probeModel(blind, { photos: few, threads: 1 })).rejects.toThrow(/got: 1 people with two photos/);
  });

  it('refuses what there is nothing to find for', async () => {
    const options = { photos: crops, threads: 1 };
    await expect(probeModel(await modelOf(published, 64), options)).rejects.toThrow(
      /no alignment template[^]*64 high, 64 wide[^]*112x96, 112x112, 150x150/,
    );
    await expect(probeModel(await modelOf(published, 150), options)).rejects.toThrow(
      /sphereface-112x112[^]*expected: template dlib-150x150/,
    );
    const stating = join(scratch, 'stating.onnx');
    const { input } = await probeModel(await modelOf(published), options);
    const metadata = new Map(Object.entries(encodeMetadata({ input, embeddingSize: 49 })));
    await writeFile(stating, withMetadataProps(conventionModel(published), metadata, stating));
    await expect(probeModel(stating, options)).rejects.toBeInstanceOf(UsageError);
  });
});

describe('separation', () => {
  const direction = (degrees: number): Float32Array =>
    Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));

  it('is what its formulas say', () => {
    const pairs = pairsOf([0, 60, 90, 90].map(direction), [0, 0, 1, 1]);
    // One person: 0.5 and 1. Two: 0, 0, cos 30°, cos 30°.
    const between = Math.cos(Math.PI / 6) / 2;
    const dPrime = (0.75 - between) / Math.sqrt((0.25 ** 2 + between ** 2) / 2);
    const { auc, dPrime: got } = separationOf(pairs);
    expect(got).toBeCloseTo(dPrime, 5);
    expect(auc).toBeCloseTo(6 / 8, 10);
  });

  it('takes embeddings without a direction for like none, and agrees with itself in no draw', () => {
    const pairs = pairsOf([Float32Array.of(0, 0), Float32Array.of(NaN, 1), direction(0), direction(5)], [0, 0, 1, 1]);
    expect([...pairs.similarity].filter((value) => value !== 0)).toHaveLength(1);
    const clear = pairsOf([0, 1, 80, 82].map(direction), [0, 0, 1, 1]);
    expect(agreement(clear, clear, 2)).toBe(0);
    const mixed = pairsOf([0, 80, 1, 82].map(direction), [0, 0, 1, 1]);
    expect(agreement(clear, mixed, 2)).toBeGreaterThan(0.4);
  });
});

const shared = fileURLToPath(new URL('../../../../shared/', import.meta.url));

describe.skipIf(!existsSync(shared))('a published model on photos (skipped where ../shared is absent)', () => {
  it("is found to want ImageNet's mean and deviation, RGB", async () => {
    await using source = await openImageSource(join(shared, 'data/lfw-view1-photos.zip'));
    const counts = new Map<string, number>();
    for (const { identity } of source.entries) counts.set(identity, (counts.get(identity) ?? 0) + 1);
    const people = new Set(
      [...counts]
        .filter(([, count]) => count === 2)
        .slice(0, 8)
        .map(([identity]) => identity),
    );
    const chosen = [...source.entries.keys()].filter((index) => people.has(source.entries[index].identity));
    const photos = join(scratch, 'photos.zip');
    const parts = chosen.map(async (index) => ({ name: source.entries[index].file, data: await source.read(index) }));
    await writeFile(photos, writeZip(await Promise.all(parts)));
    const found = await probeModel(join(shared, 'models/mobilefacenet/MobileFaceNet.onnx'), {
      photos,
      threads: 1,
      models: join(shared, 'models'),
    });
    expect(found.input).toEqual({
      ...{ width: 112, height: 112, channelOrder: 'RGB' },
      ...{ mean: [123.675, 116.28, 103.53], scale: [58.395, 57.12, 57.375] },
      alignment: { template: 'sphereface-112x112', solver: 'cp2tform', version: 1 },
    });
  });
});
