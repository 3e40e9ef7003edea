// Models from elsewhere: which output is the embedding, and inputs of other layouts and types.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { TensorProto_DataType as DataType } from '../graph/onnx/onnx_pb.js';
import type { InputSpec } from '../images/input.js';
import type { Picture } from '../images/source.js';
import { type ForeignForm, foreignModel } from '../testing/foreign-model.js';
import { tinyEmbedding, tinyInput, tinyWeights } from '../testing/tiny-model.js';
import { importOnnx } from './import.js';
import { openModel } from './model.js';
import type { Port } from '../graph/onnx/index.js';
import { embeddingPort } from './ports.js';

const picture: Picture = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => (i * 67) % 256) };
const raw: InputSpec = { ...tinyInput, mean: [0, 0, 0], scale: [1, 1, 1] };

let scratch: string;
let path: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-ports-'));
  path = join(scratch, 'foreign.onnx');
});
afterAll(() => rm(scratch, { recursive: true }));

async function embed(form: ForeignForm, inputSpec = tinyInput, output?: string): Promise<number[]> {
  await writeFile(path, foreignModel(form));
  await using model = await openModel(path, {
    threads: 1,
    inputSpec,
    ...(output === undefined ? {} : { modelOutput: output }),
  });
  return [...(await model.embed([picture], { flip: true }))];
}

const expected = [false, true].flatMap((mirrored) => tinyEmbedding(picture, { mirrored }));

function expectClose(got: readonly number[], want: readonly number[], tolerance: number): void {
  expect(got).toHaveLength(want.length);
  for (const [i, value] of want.entries()) expect(Math.abs(got[i] - value)).toBeLessThan(tolerance);
}

describe('inputs and outputs of other forms', () => {
  // Halves of values up to 128 are off by 1/16 at most; 18 of them with weights up to 1 make the sum.
  it.each<[string, ForeignForm, number]>([
    ['pixels', { layout: 'NHWC' }, 1e-4],
    ['halves in', { input: DataType.FLOAT16 }, 0.5],
    ['halves out', { output: DataType.FLOAT16 }, 0.1],
    ['pixels in halves, in and out', { layout: 'NHWC', input: DataType.FLOAT16, output: DataType.FLOAT16 }, 0.5],
  ])('takes %s', async (_, form, tolerance) => {
    expectClose(await embed(form), expected, tolerance);
  });

  it.each(['NCHW', 'NHWC'] as const)('takes bytes in %s for networks that normalise themselves', async (layout) => {
    const sums = [0, 0];
    for (let position = 0; position < 18; position++) {
      const [channel, pixel] = [Math.floor(position / 6), position % 6];
      const value = picture.data[pixel * 3 + 2 - channel];
      for (const k of [0, 1]) sums[k] += value * tinyWeights[position * 2 + k];
    }
    const got = await embed({ layout, input: DataType.UINT8 }, raw);
    expectClose(got.slice(0, 2), sums, 1e-3);
    await expect(embed({ layout, input: DataType.UINT8 })).rejects.toThrow(
      /as they are[^]*mean 0, 0, 0 and scale 1, 1, 1/,
    );
  });

  it('refuses other types by name', async () => {
    await expect(embed({ input: DataType.INT64 })).rejects.toThrow(/int64 \[\?, 3, 2, 3\][^]*uint8/);
    await expect(embed({ output: DataType.DOUBLE })).rejects.toThrow(/no output that can be an embedding[^]*double/);
  });
});

describe('the output that is the embedding', () => {
  it.each<[string, ForeignForm['outputs']]>([
    ['after a norm', { norm: 'norm', features: 'embedding' }],
    ['before a norm', { '683': 'embedding', '684': 'norm' }],
    ['by its name among several', { logits: 'embedding', face_embedding: 'embedding' }],
    ['whose length is not stated', { norm: 'norm', y: 'embedding of unstated size' }],
  ])('is found %s', async (_, outputs) => {
    expectClose(await embed({ outputs: outputs! }), expected, 1e-4);
  });

  it('is asked for where it is not clear, with all outputs and their shapes', async () => {
    const outputs = { a: 'embedding', norm: 'norm', b: 'embedding' } as const;
    const failing = embed({ outputs });
    await expect(failing).rejects.toBeInstanceOf(UsageError);
    await expect(failing).rejects.toThrow(/a \(float32 \[\?, 2\]\); norm \(float32 \[\?, 1\]\); b[^]*`modelOutput`/);
    expectClose(await embed({ outputs }, tinyInput, 'b'), expected, 1e-4);
    await expect(embed({ outputs }, tinyInput, 'norm')).rejects.toThrow(
      /cannot be the embedding[^]*\[\?, 1\][^]*one of a/,
    );
    await expect(embed({ outputs }, tinyInput, 'c')).rejects.toThrow(/no output of that name/);
  });

  it('is refused where there is a single value per picture, stated or not', async () => {
    await expect(embed({ outputs: { embedding: 'norm' } })).rejects.toThrow(/no output that can be an embedding/);
    await expect(embed({ outputs: { y: 'norm of unstated size' } })).rejects.toThrow(
      /gives no embedding[^]*1 value per picture/,
    );
    const port = (shape: Port['shape']): Port => ({ name: 'x', elementType: DataType.FLOAT, shape });
    for (const shape of [[4], [1, 1], [1, 7, 7, 512]]) {
      expect(() => embeddingPort([port(shape)], 'm')).toThrow(/can be an embedding/);
    }
    for (const shape of [[1, 512], [1, 1, 512], [1, 512, 1, 1], [undefined, undefined], []]) {
      expect(embeddingPort([port(shape)], 'm').name).toBe('x');
    }
  });

  it('is the only one that an import keeps', async () => {
    await writeFile(path, foreignModel({ outputs: { a: 'embedding', norm: 'norm', b: 'embedding' } }));
    const { model, output } = await importOnnx(path, { input: tinyInput, embeddingSize: 2, output: 'b' });
    expect(output).toBe('b');
    const own = join(scratch, 'own.onnx');
    await writeFile(own, model);
    await using opened = await openModel(own, { threads: 1 });
    expectClose([...(await opened.embed([picture], { flip: true }))], expected, 1e-4);
  });
});
