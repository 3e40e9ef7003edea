// A model from elsewhere, fine-tuned on people of one's own: it starts where the file ends, learns, resumes, and comes out as that file.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { parseModel, withMetadataProps } from '../graph/onnx/index.js';
import { type InputSpec, publishedInput } from '../images/index.js';
import { encodeMetadata, openModel, readParameters } from '../models/index.js';
import { encodeModel, hashedTensor, testModel } from '../testing/onnx-model.js';
import { tinyRecipe, tinySize, writeTinyFaces } from '../testing/tiny-faces.js';
import { builtInRecipe } from './recipes.js';
import { parseRecipe, type Recipe } from './recipe.js';
import { applySetting } from './recipe-file.js';
import { resumeRun, startRun } from './run.js';
import type { StartOptions } from './run-setup.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-backbone-'));
  await writeTinyFaces(join(folder, 'faces'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Two convolutions, batch normalisation, a gain, dropout and a matrix: any number of images, which the file calls `n`. */
const file = encodeModel(
  testModel({
    opset: 17,
    images: ['n', 3, tinySize, tinySize],
    nodes: [
      { op: 'Conv', inputs: ['images', 'c1', 'b1'], outputs: ['x1'], attributes: { strides: [2, 2] } },
      { op: 'BatchNormalization', inputs: ['x1', 'gamma', 'beta', 'mean', 'variance'], outputs: ['x2'] },
      { op: 'PRelu', inputs: ['x2', 'slope'], outputs: ['x3'] },
      { op: 'Conv', inputs: ['x3', 'c2'], outputs: ['x4'], attributes: { strides: [2, 2] } },
      { op: 'Mul', inputs: ['x4', 'gain'], outputs: ['x5'] },
      { op: 'Flatten', inputs: ['x5'], outputs: ['x6'] },
      { op: 'Dropout', inputs: ['x6', 'ratio'], outputs: ['x7'] },
      { op: 'Gemm', inputs: ['x7', 'fc', 'b2'], outputs: ['embedding'], attributes: { transB: 1 } },
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
      gain: { shape: [1], data: Float32Array.of(1.1) },
      ratio: { shape: [], data: Float32Array.of(0.1) },
      fc: hashedTensor([12, 72], 9, 0, 0.2),
      b2: hashedTensor([12], 10, 0, 0.1),
    },
    outputs: ['embedding'],
  }),
);

const size = { width: tinySize, height: tinySize };
const threads = 1;

/** Rather small steps, as the numbers that it starts from are meant. */
const solver = ['solver.iterations=40', 'solver.baseLearningRate=0.02'] as const;

/** The tiny recipe with the network of a file, and its colours stated as not even the default says them. */
function recipeOf(network: object, ...settings: string[]): Recipe {
  return parseRecipe({ ...tinyRecipe('input.channelOrder=RGB', ...solver, ...settings), network });
}

const json = async (...path: string[]): Promise<unknown> => JSON.parse(await readFile(join(...path), 'utf8'));

describe('a network from an ONNX model', () => {
  it.each(['frozen', 'update'] as const)(
    'is fine-tuned, resumed and deployed: batch normalisation %s',
    async (batchNorm) => {
      const place = join(folder, batchNorm);
      await mkdir(place);
      const original = join(place, 'original.onnx');
      await writeFile(original, file);
      const recipe = recipeOf({ type: 'onnx', file: original, batchNorm, freeze: ['c2'] });
      const data = join(folder, 'faces');
      const [whole, broken, moved] = ['whole', 'broken', 'moved'].map((name) => join(place, name));
      await startRun({ data, recipe, threads, folder: whole });
      const stop = new AbortController();
      const onStep = (iteration: number) => {
        if (iteration === 17) stop.abort();
      };
      await startRun({ data, recipe, threads, folder: broken, signal: stop.signal, onStep });
      // The run holds all that it needs.
      await rm(original);
      await rename(broken, moved);
      await resumeRun(moved, { threads });
      const model = await readFile(join(whole, 'model.onnx'));
      expect(model.equals(await readFile(join(moved, 'model.onnx')))).toBe(true);
      expect(await json(moved, 'recipe.json')).toMatchObject({
        network: { type: 'onnx', file: 'network.onnx', embeddingSize: 12, batchNorm, freeze: ['c2'] },
        input: { ...size, channelOrder: 'RGB' },
      });

      if (batchNorm === 'frozen') {
        const undropped = recipeOf({ type: 'onnx', file: join(moved, 'network.onnx'), freeze: ['c2'], dropout: 0 });
        const other = await startRun({ data, recipe: undropped, threads, folder: join(place, 'undropped') });
        expect(model.equals(await readFile(other.model!))).toBe(false);
      }

      const lines = (await readFile(join(whole, 'log.jsonl'), 'utf8')).trimEnd().split('\n');
      const [first, last] = [lines[0], lines.at(-1)!].map((line) => JSON.parse(line) as { accuracy: number });
      expect(last.accuracy).toBeGreaterThan(Math.max(first.accuracy, 0.9));

      const before = new Map(parseModel(file, 'before').graph.initializer.map((tensor) => [tensor.name, tensor]));
      for (const [name, { data: now }] of await readParameters(join(whole, 'model.onnx'))) {
        const was = new Float32Array(before.get(name)!.rawData.slice().buffer);
        const same = now.every((value, i) => value === was[i]);
        const held =
          name === 'c2' || name === 'ratio' || (batchNorm === 'frozen' && (name === 'mean' || name === 'variance'));
        expect(same, name).toBe(held);
      }
      // Its nodes are the file's own, with an open number of images, and the file now states its input.
      const nodes = (bytes: Uint8Array) => parseModel(bytes, 'it').graph.node.map(({ opType }) => opType);
      expect(nodes(model)).toEqual(nodes(file));
      await using opened = await openModel(join(whole, 'model.onnx'), { threads });
      const picture = { ...size, data: new Uint8Array(3 * tinySize * tinySize).fill(100) };
      expect((await opened.embed([picture, picture, picture])).length).toBe(3 * 12);

      await writeFile(join(moved, 'network.onnx'), model);
      await expect(resumeRun(moved, { threads })).rejects.toThrow(/not the model that the recipe[\s\S]*SHA-256/);
      await rm(join(moved, 'network.onnx'));
      await expect(resumeRun(moved, { threads })).rejects.toThrow(/has lost its network/);
    },
  );
});

/** What the file's network takes. */
const input: InputSpec = {
  ...publishedInput,
  ...size,
  channelOrder: 'RGB',
  mean: [120, 121, 122],
  scale: [60, 61, 62],
};

describe('the recipe fine-tune', () => {
  const settings = ['solver.iterations=12', 'solver.batchSize=8', 'log.checkpoint=4'];
  const fineTune = (...more: string[]): Recipe =>
    parseRecipe([...settings, ...more].reduce<unknown>(applySetting, builtInRecipe('fine-tune')));
  const start = (name: string, options: Partial<StartOptions>) =>
    startRun({ recipe: fineTune(), threads, data: join(folder, 'faces'), folder: join(folder, name), ...options });

  it('needs a model, and learns the input from what the model states', async () => {
    await expect(start('none', {})).rejects.toThrow(/takes its network from a model[\s\S]*--init/);
    await expect(start('none', { init: join(folder, 'nowhere.onnx') })).rejects.toThrow(/no model at/);

    const silent = join(folder, 'silent.onnx');
    await writeFile(silent, file);
    const refused = start('none', { init: silent });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(/does not state how pictures[\s\S]*--input-spec/);

    const stating = join(folder, 'stating.onnx');
    await writeFile(
      stating,
      withMetadataProps(file, new Map(Object.entries(encodeMetadata({ input, embeddingSize: 12 }))), 'it'),
    );
    const { model } = await start('stating', { init: stating });
    const other = { ...input, channelOrder: 'BGR' } as const;
    await expect(start('none', { init: stating, inputSpec: other })).rejects.toThrow(/contradicts the model/);
    await expect(start('none', { init: stating, statedInput: { mean: [0, 0, 0] } })).rejects.toThrow(/input\.mean/);
    expect((await json(folder, 'stating', 'recipe.json')) as Recipe).toMatchObject({ input });
    // What came out states it, and can be tuned again, its classifier with it; so can the run.
    const again = await start('again', { init: model });
    const rows = (await json(folder, 'again', 'init.json')) as { rows: { matched: string[] } };
    // Of six people two are held out.
    expect(rows.rows.matched).toHaveLength(4);
    await start('and-again', { init: again.folder });

    await start('given', { init: silent, inputSpec: input });
    await writeFile(`${silent}.json`, JSON.stringify(input));
    await start('beside', { init: silent });
    const models = await Promise.all(
      ['given', 'beside', 'stating'].map((name) => readParameters(join(folder, name, 'model.onnx'))),
    );
    expect(models[1]).toEqual(models[0]);
    expect(models[2]).toEqual(models[0]);
  });

  it('moves the backbone more slowly than the classifier', async () => {
    const init = join(folder, 'slow.onnx');
    await writeFile(init, file);
    const inputSpec = input;
    const moved = async (name: string, ...more: string[]): Promise<number> => {
      await start(name, {
        init,
        inputSpec,
        recipe: fineTune('validation=null', 'solver.schedule={type: constant}', ...more),
      });
      const [before, after] = [await readParameters(init), await readParameters(join(folder, name, 'model.onnx'))];
      return Math.max(...after.get('fc')!.data.map((value, i) => Math.abs(value - before.get('fc')!.data[i])));
    };
    expect(await moved('still', 'solver.iterations=1', 'solver.backboneRate=0')).toBe(0);
    const slow = await moved('slow', 'solver.iterations=1');
    const fast = await moved('fast', 'solver.iterations=1', 'solver.backboneRate=0.1');
    expect(fast / slow).toBeCloseTo(10, 2);
  });

  it('takes an inner tensor for the embedding, and then gives that alone', async () => {
    const init = join(folder, 'inner.onnx');
    await writeFile(init, file);
    const { model } = await start('inner', { init, inputSpec: input, recipe: fineTune('network.output=x6') });
    const { graph } = parseModel(await readFile(model!), 'it');
    expect(graph.output.map(({ name }) => name)).toEqual(['x6']);
    await using opened = await openModel(model!, { threads });
    expect(opened.embeddingSize).toBe(72);
  });

  it('refuses a network that does not take what it is given', async () => {
    const init = join(folder, 'sized.onnx');
    await writeFile(init, file);
    const wide = { ...input, width: 20 };
    await expect(start('none', { init, inputSpec: wide })).rejects.toThrow(/another size[\s\S]*20 wide/);
    const size = fineTune('network.embeddingSize=13');
    await expect(start('none', { init, inputSpec: input, recipe: size })).rejects.toThrow(/12 values[\s\S]*13/);
    await expect(start('none', { recipe: tinyRecipe(), inputSpec: input })).rejects.toThrow(
      /for a network from a file/,
    );
  });
});
