// A model from elsewhere, fine-tuned on people of one's own: it starts where the file ends, learns, resumes, and comes out as that file.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseModel } from '../graph/onnx/index.js';
import { openModel, readParameters } from '../models/index.js';
import { onnxBackbone } from '../nn/index.js';
import { encodeModel, hashedTensor, testModel } from '../testing/onnx-model.js';
import { tinyRecipe, tinySize, writeTinyFaces } from '../testing/tiny-faces.js';
import { parseRecipe } from './recipe.js';
import { resumeRun, startRun } from './run.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-backbone-'));
  await writeTinyFaces(join(folder, 'faces'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Two convolutions, batch normalisation and a matrix: any number of images, which the file calls `n`. */
const file = encodeModel(
  testModel({
    opset: 17,
    images: ['n', 3, tinySize, tinySize],
    nodes: [
      { op: 'Conv', inputs: ['images', 'c1', 'b1'], outputs: ['x1'], attributes: { strides: [2, 2] } },
      { op: 'BatchNormalization', inputs: ['x1', 'gamma', 'beta', 'mean', 'variance'], outputs: ['x2'] },
      { op: 'PRelu', inputs: ['x2', 'slope'], outputs: ['x3'] },
      { op: 'Conv', inputs: ['x3', 'c2'], outputs: ['x4'], attributes: { strides: [2, 2] } },
      { op: 'Flatten', inputs: ['x4'], outputs: ['x5'] },
      { op: 'Gemm', inputs: ['x5', 'fc', 'b2'], outputs: ['embedding'], attributes: { transB: 1 } },
    ],
    initializers: {
      c1: hashedTensor([8, 3, 3, 3], 1, 0, 0.3),
      b1: hashedTensor([8], 2, 0, 0.1),
      gamma: hashedTensor([8], 3, 1, 0.2),
      beta: hashedTensor([8], 4, 0, 0.1),
      mean: hashedTensor([8], 5, 0, 0.1),
      variance: hashedTensor([8], 6, 1, 0.2),
      slope: hashedTensor([8, 1, 1], 7, 0.2, 0.1),
      c2: hashedTensor([8, 8, 3, 3], 8, 0, 0.2),
      fc: hashedTensor([12, 72], 9, 0, 0.2),
      b2: hashedTensor([12], 10, 0, 0.1),
    },
    outputs: ['embedding'],
  }),
);

const size = { width: tinySize, height: tinySize };

describe('a network from an ONNX model', () => {
  it.each(['frozen', 'update'] as const)(
    'is fine-tuned, resumed and deployed: batch normalisation %s',
    async (batchNorm) => {
      const extensions = { backbones: [onnxBackbone(file, size, { batchNorm, freeze: ['c2'] })] };
      const recipe = parseRecipe(
        { ...tinyRecipe('solver.iterations=40', 'solver.baseLearningRate=0.02'), network: { type: 'onnx' } },
        { extensions },
      );
      expect(recipe.network).toEqual({ type: 'onnx', embeddingSize: 12 });
      const data = join(folder, 'faces');
      const [whole, broken] = [join(folder, `whole-${batchNorm}`), join(folder, `broken-${batchNorm}`)];
      const common = { data, recipe, extensions, threads: 1 };
      await startRun({ ...common, folder: whole });
      const stop = new AbortController();
      const onStep = (iteration: number) => {
        if (iteration === 17) stop.abort();
      };
      await startRun({ ...common, folder: broken, signal: stop.signal, onStep });
      await resumeRun(broken, { extensions, threads: 1 });
      const model = await readFile(join(whole, 'model.onnx'));
      expect(model.equals(await readFile(join(broken, 'model.onnx')))).toBe(true);

      const lines = (await readFile(join(whole, 'log.jsonl'), 'utf8')).trimEnd().split('\n');
      const [first, last] = [lines[0], lines.at(-1)!].map((line) => JSON.parse(line) as { accuracy: number });
      expect(last.accuracy).toBeGreaterThan(Math.max(first.accuracy, 0.9));

      const before = new Map(parseModel(file, 'before').graph.initializer.map((tensor) => [tensor.name, tensor]));
      for (const [name, { data: now }] of await readParameters(join(whole, 'model.onnx'))) {
        const was = new Float32Array(before.get(name)!.rawData.slice().buffer);
        const same = now.every((value, i) => value === was[i]);
        const held = name === 'c2' || (batchNorm === 'frozen' && (name === 'mean' || name === 'variance'));
        expect(same, name).toBe(held);
      }
      // Its nodes are the file's own, with an open number of images, and the file now states its input.
      const nodes = (bytes: Uint8Array) => parseModel(bytes, 'it').graph.node.map(({ opType }) => opType);
      expect(nodes(model)).toEqual(nodes(file));
      await using opened = await openModel(join(whole, 'model.onnx'), { threads: 1 });
      const picture = { ...size, data: new Uint8Array(3 * tinySize * tinySize).fill(100) };
      expect((await opened.embed([picture, picture, picture])).length).toBe(3 * 12);
    },
  );
});
