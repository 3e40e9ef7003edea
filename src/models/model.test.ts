// Model files: embeddings by hand, input conventions, runs side by side, metadata and parameters, contradictions and damage.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SphereFaceError } from '../common/errors.js';
import { toFloat16 } from '../common/float16.js';
import type { Picture } from '../images/source.js';
import { ModelProtoSchema, TensorProto_DataType } from '../graph/onnx/onnx_pb.js';
import { mobileFaceNetInput } from '../testing/mobilefacenet.js';
import {
  tinyEmbedding as expected,
  tinyInput as spec,
  tinyModel as network,
  tinyWeights as weights,
} from '../testing/tiny-model.js';
import { assertSameAlignment, publishedInput } from '../images/input.js';
import type { ModelMetadata } from './metadata.js';
import { openModel, readMetadata, updateMetadata } from './model.js';
import { parseModel } from '../graph/onnx/index.js';
import { networkDigest, writeModel } from './model-file.js';
import { readParameters } from './parameters.js';

const pictures: Picture[] = Array.from({ length: 5 }, (_, index) => ({
  width: 3,
  height: 2,
  data: Uint8Array.from({ length: 18 }, (_, pixel) => (pixel * 37 + index * 101) % 256),
}));

function expectClose(got: Float32Array, want: readonly number[]): void {
  expect(got).toHaveLength(want.length);
  // Sums of 18 products of size 30 at most, in float32.
  for (const [index, value] of want.entries()) expect(Math.abs(got[index]! - value)).toBeLessThan(1e-4);
}

let scratch: string;
let path: string;
const metadata: ModelMetadata = { input: spec, embeddingSize: 2, recipe: '{"name":"test"}' };

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-model-'));
  path = join(scratch, 'model.onnx');
  await writeModel(path, network({ metadata }));
});
afterAll(() => rm(scratch, { recursive: true }));

describe('openModel', () => {
  it('obeys channel order, mean and scale of the file, in batches', async () => {
    await using model = await openModel(path, { threads: 1 });
    expect(model.metadata).toMatchObject({ ...metadata, packageVersion: expect.stringMatching(/^\d+\./) as string });
    expect(model.embeddingSize).toBe(2);
    const done: number[] = [];
    const got = await model.embed(pictures, { batchSize: 2, onProgress: (count) => done.push(count) });
    expectClose(
      got,
      pictures.flatMap((picture) => expected(picture, { mirrored: false })),
    );
    expect(done).toEqual([2, 4, 5]);
    expect(await model.embed([])).toHaveLength(0);
  });

  it('concatenates the mirrored picture with flip', async () => {
    await using model = await openModel(path, { threads: 1 });
    const got = await model.embed(pictures, { flip: true, batchSize: 3 });
    expectClose(
      got,
      pictures.flatMap((picture) => [false, true].flatMap((mirrored) => expected(picture, { mirrored }))),
    );
  });

  it('is opened from its bytes or its address as from its path', async () => {
    const bytes = network({ metadata });
    await using named = await openModel(path, { threads: 1 });
    await using addressed = await openModel(pathToFileURL(path), { threads: 1 });
    await using held = await openModel(bytes, { threads: 1 });
    expect([named.path, addressed.path, held.path]).toEqual([path, path, 'the model']);
    expect(new Set([named, addressed, held].map(({ digest }) => digest)).size).toBe(1);
    expect(await held.embed(pictures)).toEqual(await named.embed(pictures));
    await expect(openModel(network())).rejects.toThrow(/^the model does not state[^]*given as `inputSpec`\n/);
    await expect(openModel(Uint8Array.of(1, 2, 3))).rejects.toThrow(/^the model is not an ONNX model/);
  });

  it('has a digest of the network, whatever its metadata', async () => {
    const calibrated = { ...metadata, recipe: '{}', packageVersion: '9.9.9' };
    const others = [network({ metadata: calibrated }), network({ metadata, batch: 4 })];
    const digests = [networkDigest(network({ metadata }), ''), ...others.map((bytes) => networkDigest(bytes, ''))];
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  it('embeds side by side what it embeds one after another, and is disposed of after that', async () => {
    const model = await openModel(path, { threads: 1 });
    const calls = pictures.map((_, i) => [pictures[i], ...pictures.slice(0, i)]);
    const alone: Float32Array[] = [];
    for (const call of calls) alone.push(await model.embed(call, { batchSize: 2 }));
    const together = calls.map((call) => model.embed(call, { batchSize: 2 }));
    const disposal = model.dispose();
    await expect(model.embed(pictures)).rejects.toThrow(/^This model has been disposed of/);
    expect(await Promise.all(together)).toEqual(alone);
    await disposal;
    await model.dispose();
  });

  it('serves a network with a fixed batch', async () => {
    const fixed = join(scratch, 'fixed.onnx');
    await writeModel(fixed, network({ metadata, batch: 4 }));
    await using model = await openModel(fixed, { threads: 1 });
    expectClose(
      await model.embed(pictures),
      pictures.flatMap((picture) => expected(picture, { mirrored: false })),
    );
  });

  it('refuses pictures of another size and crops of another alignment', async () => {
    await using model = await openModel(path, { threads: 1 });
    const wrong: Picture = { width: 2, height: 3, data: new Uint8Array(18) };
    await expect(model.embed([wrong])).rejects.toThrow(/2 wide, 3 high[^]*3 wide, 2 high[^]*prepare PHOTOS --size 2x3/);
    expect(() => assertSameAlignment(model.input, { ...spec.alignment })).not.toThrow();
    expect(() => assertSameAlignment(model.input, undefined)).not.toThrow();
    for (const other of [{ template: 'x' }, { solver: 'x' }, { version: 8 }]) {
      expect(() => assertSameAlignment(model.input, { ...spec.alignment, ...other })).toThrow(
        /aligned in another way[^]*prepare PHOTOS --size 2x3 --solver umeyama/,
      );
    }
  });

  it('takes a foreign file with a specification or a sidecar, and no other way', async () => {
    const foreign = join(scratch, 'foreign.onnx');
    await writeModel(foreign, network());
    await expect(openModel(foreign)).rejects.toThrow(/does not state[^]*foreign.onnx.json[^]*`inputSpec`/);
    await using given = await openModel(foreign, { threads: 1, inputSpec: spec });
    expect(given.embeddingSize).toBe(2);
    await writeFile(`${foreign}.json`, JSON.stringify(spec));
    await using beside = await openModel(foreign, { threads: 1 });
    expectClose(
      await beside.embed(pictures),
      pictures.flatMap((picture) => expected(picture, { mirrored: false })),
    );
    await writeFile(`${foreign}.json`, JSON.stringify({ ...spec, scale: [0, 1, 1] }));
    await expect(openModel(foreign)).rejects.toThrow(/expected form[^]*scale/);
  });

  it('refuses a specification that contradicts the file or the graph', async () => {
    await expect(openModel(path, { inputSpec: { ...spec, channelOrder: 'RGB' } })).rejects.toThrow(/contradicts/);
    const foreign = join(scratch, 'contradicted.onnx');
    await writeModel(foreign, network());
    await expect(openModel(foreign, { inputSpec: publishedInput })).rejects.toThrow(/\[\?, 3, 2, 3\][^]*112, 96/);
    const liar = join(scratch, 'liar.onnx');
    await writeModel(liar, network({ metadata: { ...metadata, embeddingSize: 3 } }));
    await expect(openModel(liar)).rejects.toThrow(/contradicts itself/);
  });

  it('says what is wrong with a file that is no model', async () => {
    await expect(openModel(join(scratch, 'none.onnx'))).rejects.toThrow(/cannot be opened/);
    await writeFile(join(scratch, 'text.onnx'), 'this is no model');
    await expect(openModel(join(scratch, 'text.onnx'))).rejects.toThrow(/not an ONNX model/);
  });

  it('says what of a folder to give', async () => {
    const run = join(scratch, 'run');
    await mkdir(run);
    await expect(openModel(run)).rejects.toThrow(/is a folder, not a model[^]*next: give the path of the file/);
    await writeFile(join(run, 'recipe.json'), '{}');
    await expect(openModel(run)).rejects.toThrow(
      /next: finish the run first, which writes it: sphereface train --resume .*run$/,
    );
    await writeModel(join(run, 'model.onnx'), network({ metadata }));
    await expect(openModel(run)).rejects.toThrow(/next: give .*run.model\.onnx$/);
  });

  it('refuses weights in other files', async () => {
    const model = parseModel(network({ metadata }), path);
    model.graph.initializer[0]!.dataLocation = 1;
    await writeFile(join(scratch, 'external.onnx'), toBinary(ModelProtoSchema, model));
    await expect(openModel(join(scratch, 'external.onnx'))).rejects.toThrow(/fc5.weight lies outside/);
  });
});

describe('metadata', () => {
  it('is rewritten without touching the graph', async () => {
    const copy = join(scratch, 'calibrated.onnx');
    const before = network({ metadata });
    await writeModel(copy, before);
    const calibration = {
      data: 'test pairs',
      genuinePairs: 10,
      impostorPairs: 20,
      flip: true,
      thresholds: [{ falseAcceptRate: 0.01, threshold: 0.4, trueAcceptRate: 0.9 }],
    };
    await updateMetadata(copy, { calibration });
    expect(await readMetadata(copy)).toMatchObject({ ...metadata, calibration });
    const after = await readFile(copy);
    const graphOf = (bytes: Uint8Array): Uint8Array =>
      toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: parseModel(bytes, copy).graph }));
    expect(Buffer.from(graphOf(after)).equals(Buffer.from(graphOf(before)))).toBe(true);
    const keys = parseModel(after, copy).metadataProps.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toContain('sphereface.calibration');
    await updateMetadata(copy, { calibration: { ...calibration, data: 'others' } });
    expect((await readMetadata(copy))?.calibration?.data).toBe('others');
  });

  it('of damaged files is an error or undefined, never a crash', async () => {
    const whole = network({ metadata });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    const target = join(scratch, 'fuzz.onnx');
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [position, value] of changes) bytes[position] = value;
        await writeFile(target, bytes);
        for (const read of [readMetadata, readParameters]) {
          await read(target).catch((error: unknown) => expect(error).toBeInstanceOf(SphereFaceError));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('readParameters', () => {
  it('finds parameters by name', async () => {
    const parameters = await readParameters(path);
    expect(parameters.get('fc5.weight')?.shape).toEqual([18, 2]);
    expect(parameters.get('fc5.weight')?.data).toEqual(weights);
  });

  it('converts float16 and float64, reads both ways of storing, and leaves integers out', async () => {
    const model = parseModel(network(), path);
    const half = Uint16Array.from([1.5, -2], toFloat16);
    model.graph.initializer = [
      { name: 'half', dataType: TensorProto_DataType.FLOAT16, rawData: new Uint8Array(half.buffer) },
      { name: 'double', dataType: TensorProto_DataType.DOUBLE, doubleData: [1.5, -2] },
      { name: 'plain', dataType: TensorProto_DataType.FLOAT, floatData: [1.5, -2] },
      { name: 'index', dataType: TensorProto_DataType.INT64, int64Data: [1n, 2n] },
    ].map((tensor) => ({ ...model.graph.initializer[0]!, rawData: new Uint8Array(), ...tensor, dims: [2n] }));
    const target = join(scratch, 'types.onnx');
    await writeFile(target, toBinary(ModelProtoSchema, model));
    const parameters = await readParameters(target);
    expect([...parameters.keys()]).toEqual(['half', 'double', 'plain']);
    for (const { data } of parameters.values()) expect([...data]).toEqual([1.5, -2]);
  });

  it('refuses a tensor that does not fit its shape', async () => {
    const model = parseModel(network(), path);
    model.graph.initializer[0]!.dims = [3n, 3n];
    const target = join(scratch, 'misfit.onnx');
    await writeFile(target, toBinary(ModelProtoSchema, model));
    await expect(readParameters(target)).rejects.toThrow(/fc5.weight is damaged[^]*36 elements[^]*9 elements/);
  });
});

const shared = fileURLToPath(new URL('../../../shared/models/mobilefacenet/MobileFaceNet.onnx', import.meta.url));

describe.skipIf(!existsSync(shared))('a published foreign model (skipped where ../shared is absent)', () => {
  it('opens with its specification', async () => {
    await using model = await openModel(shared, { inputSpec: mobileFaceNetInput, threads: 1 });
    const picture: Picture = { width: 112, height: 112, data: new Uint8Array(112 * 112 * 3).fill(90) };
    const [plain, flipped] = [await model.embed([picture]), await model.embed([picture, picture], { flip: true })];
    expect(plain).toHaveLength(model.embeddingSize);
    expect(flipped).toHaveLength(model.embeddingSize * 4);
    expect(plain.every(Number.isFinite)).toBe(true);
  });
});
