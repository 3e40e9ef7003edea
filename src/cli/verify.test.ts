// The verify command: similarity and decision on crops, refusal to decide, and whole photos where the weights are at hand.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { starterModel, updateMetadata, writeModel } from '../models/index.js';
import { runCommand } from '../testing/command.js';
import { mobileFaceNetInput } from '../testing/mobilefacenet.js';
import { testStarter } from '../testing/starter-model.js';
import { tinyEmbedding, tinyInput, tinyModel } from '../testing/tiny-model.js';
import { registerVerify } from './verify.js';

let scratch: string;
let model: string;
const pixels = [0, 1].map((k) => Uint8Array.from({ length: 18 }, (_, pixel) => (pixel * 53 + k * 91) % 256));
const crops: string[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-verify-'));
  model = join(scratch, 'model.onnx');
  await writeModel(model, tinyModel({ metadata: { input: tinyInput, embeddingSize: 2 } }));
  for (const [k, data] of pixels.entries()) {
    crops.push(join(scratch, `${k}.png`));
    await sharp(data, { raw: { width: 3, height: 2, channels: 3 } }).toFile(crops[k]);
  }
});
afterAll(() => rm(scratch, { recursive: true }));

interface Verified {
  model: { path: string; starter: string | null };
  similarity: number;
  decision: 'same' | 'different' | null;
  falseAcceptRate?: number;
  threshold?: number;
  flip: boolean;
  photos: { faces?: number }[];
}

async function verify(...args: string[]): Promise<{ result: Verified; stderr: string }> {
  const { stdout, stderr, error } = await runCommand(registerVerify, ['verify', ...args, '--json', '--threads', '1']);
  if (error !== undefined) throw error;
  return { result: JSON.parse(stdout) as Verified, stderr };
}

function similarity(flip: boolean): number {
  const [x, y] = pixels.map((data) =>
    (flip ? [false, true] : [false]).flatMap((mirrored) => tinyEmbedding({ width: 3, height: 2, data }, { mirrored })),
  );
  const dot = (u: number[], v: number[]): number => u.reduce((sum, value, i) => sum + value * v[i], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

describe('sphereface verify on crops', () => {
  it('prints the similarity of an uncalibrated model and refuses to decide', async () => {
    const { result, stderr } = await verify(model, ...crops, '--aligned');
    // Embeddings are float32 sums of some thousands.
    expect(result.similarity).toBeCloseTo(similarity(true), 5);
    expect(result.decision).toBeNull();
    expect(stderr).toMatch(/no decision: this model is not calibrated[^]*--calibrate/);
    await expect(verify(model, ...crops, '--aligned', '--far', '0.1')).rejects.toBeInstanceOf(UsageError);
  });

  it('decides as the calibration says, and says so', async () => {
    const at = similarity(false);
    const calibration = {
      data: 'pairs.txt on crops',
      genuinePairs: 30,
      impostorPairs: 200,
      flip: false,
      thresholds: [
        { falseAcceptRate: 0.1, threshold: at - 0.01, trueAcceptRate: 0.9 },
        { falseAcceptRate: 0.01, threshold: at + 0.01, trueAcceptRate: 0.7 },
      ],
    };
    await updateMetadata(model, { calibration });
    const strict = await verify(model, ...crops, '--aligned');
    expect(strict.result).toMatchObject({ decision: 'different', falseAcceptRate: 0.01, flip: false });
    expect(strict.result.similarity).toBeCloseTo(at, 5);
    expect(strict.stderr).toMatch(/different people, at a false-accept rate of 0.01[^]*200 mismatched pairs/);
    const loose = await verify(model, ...crops, '--aligned', '--far', '0.1');
    expect(loose.result).toMatchObject({ decision: 'same', threshold: at - 0.01 });
    await expect(verify(model, ...crops, '--aligned', '--far', '0.5')).rejects.toThrow(/0.1, 0.01/);
    const given = await verify(model, ...crops, '--aligned', '--threshold', String(at - 0.005));
    expect(given.result).toMatchObject({ decision: 'same', threshold: at - 0.005, falseAcceptRate: 0.1 });
    expect(given.stderr).toMatch(/at the threshold -?\d\.\d+ \(a false-accept rate of 0\.1 or less\)/);
  });

  it('takes the photos of a folder together', async () => {
    const folder = join(scratch, 'one');
    await mkdir(folder);
    for (const [k, crop] of crops.entries()) await copyFile(crop, join(folder, `${k}.png`));
    const together = await verify(model, folder, crops[0], '--aligned');
    expect(together.result.photos).toHaveLength(3);
    // The mean of both directions lies between them.
    const alone = await verify(model, ...crops, '--aligned');
    expect(together.result.similarity).toBeGreaterThan(alone.result.similarity);
    expect(together.result.similarity).toBeLessThan(1);
  });

  it('refuses what it cannot align or read', async () => {
    await expect(verify(model, crops[0], '--aligned')).rejects.toThrow(/argument is missing[^]*is the model; name A B/);
    const models = join(scratch, 'no-models');
    await expect(verify(...crops, '--models', models)).rejects.toThrow(
      /no starter embedder in the folder[^]*name a model/,
    );
    await expect(verify(model, ...crops)).rejects.toThrow(/cannot make[^]*template test/);
    await expect(verify(model, crops[0], join(scratch, 'none.png'), '--aligned')).rejects.toBeInstanceOf(UsageError);
    await writeFile(join(scratch, 'text.png'), 'no picture');
    const text = verify(model, crops[0], join(scratch, 'text.png'), '--aligned');
    await expect(text).rejects.toBeInstanceOf(SphereFaceError);
  });
});

const shared = fileURLToPath(new URL('../../../shared', import.meta.url));
const { path: starter, why } = await testStarter();

describe.skipIf(!existsSync(shared))('sphereface verify on photos (skipped where ../shared is absent)', () => {
  const mtcnn = join(shared, 'models/mtcnn');
  /** Two photos of one person, and one of another. */
  let photos: readonly [string, string, string];
  beforeAll(async () => {
    const { openImageSource } = await import('../images/index.js');
    const source = await openImageSource(join(shared, 'data/lfw-view1-photos.zip'));
    const photo = async (file: string): Promise<string> => {
      const index = source.entries.findIndex((entry) => entry.file === file);
      const path = join(scratch, file.replace('/', '-'));
      await writeFile(path, await source.read(index));
      return path;
    };
    try {
      photos = [
        await photo('Abdullah_Gul/Abdullah_Gul_0013.jpg'),
        await photo('Abdullah_Gul/Abdullah_Gul_0014.jpg'),
        await photo('Abdullatif_Sener/Abdullatif_Sener_0001.jpg'),
      ];
    } finally {
      await source.dispose();
    }
  });

  it('tells one person from another with published weights', async () => {
    const [first, second, other] = photos;
    const spec = join(scratch, 'spec.json');
    await writeFile(spec, JSON.stringify(mobileFaceNetInput));
    const options = ['--input-spec', spec, '--models', mtcnn];
    const network = join(shared, 'models/mobilefacenet/MobileFaceNet.onnx');
    const same = await verify(network, first, second, ...options);
    const different = await verify(network, first, other, ...options);
    expect(same.result.photos.every(({ faces }) => faces !== undefined && faces >= 1)).toBe(true);
    expect(same.result.similarity).toBeGreaterThan(different.result.similarity + 0.2);
    expect(same.result.model).toEqual({ path: network, starter: null });
  });

  it.skipIf(starter === undefined)(`without MODEL, with all weights in one folder ${why}`, async () => {
    const [first, second, other] = photos;
    const models = join(scratch, 'models');
    await mkdir(models);
    await symlink(mtcnn, join(models, 'mtcnn'));
    await symlink(dirname(starter!), join(models, starterModel.name));
    const own = await verify(first, second, '--far', '0.01', '--models', models);
    const stranger = await verify(first, other, '--far', '0.01', '--models', models);
    expect([own.result.decision, stranger.result.decision]).toEqual(['same', 'different']);
    expect(own.result).toMatchObject({ flip: true, falseAcceptRate: 0.01, model: { starter: starterModel.name } });
    expect(own.stderr).toMatch(/model: dlib's residual network[^]*calibrated on LFW view 1/);
  });
});
