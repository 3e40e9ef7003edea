// The import command: Caffe nets and ONNX files against the tiny model by hand, input conventions given and found, and what is missing.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { parseModel } from '../graph/onnx/index.js';
import type { Picture } from '../images/index.js';
import { openModel, readMetadata, readParameters, writeModel } from '../models/index.js';
import { writeCaffeModel } from '../testing/caffe-writer.js';
import { conventionModel, writeConventionCrops } from '../testing/convention-model.js';
import { runCommand } from '../testing/command.js';
import { foreignModel } from '../testing/foreign-model.js';
import { encodeModel, moveOutside } from '../testing/onnx-model.js';
import { tinyEmbedding, tinyInput, tinyModel, tinyWeights } from '../testing/tiny-model.js';
import { decodeSafetensors } from '../models/safetensors.js';
import { registerImport } from './import.js';

/** The tiny model as a Caffe net: Caffe keeps fully connected weights as [outputs, inputs]. */
const caffeWeights = Float32Array.from({ length: 36 }, (_, i) => tinyWeights[(i % 18) * 2 + Math.floor(i / 18)]);
const fc6 = { shape: [7, 2], data: Float32Array.from({ length: 14 }, (_, index) => index) };
const prototxt = `
input: "data" input_shape { dim: 1 dim: 3 dim: 2 dim: 3 }
layer { name: "fc5" type: "InnerProduct" bottom: "data" top: "fc5" inner_product_param { num_output: 2 bias_term: false } }
layer { name: "fc6" type: "MarginInnerProduct" bottom: "fc5" bottom: "label" top: "fc6" }
`;

const picture: Picture = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => (i * 67) % 256) };

let scratch: string;
let spec: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-import-'));
  spec = join(scratch, 'spec.json');
  await writeFile(spec, JSON.stringify(tinyInput));
  const layers = [
    { name: 'fc5', type: 'InnerProduct', blobs: [{ shape: [2, 18], data: caffeWeights }] },
    { name: 'fc6', type: 'MarginInnerProduct', blobs: [fc6] },
  ];
  await writeFile(join(scratch, 'net.caffemodel'), writeCaffeModel(layers));
  await writeFile(join(scratch, 'net.prototxt'), prototxt);
});
afterAll(() => rm(scratch, { recursive: true }));

async function expectTiny(path: string): Promise<void> {
  await using model = await openModel(path, { threads: 1 });
  const got = await model.embed([picture]);
  for (const [k, value] of tinyEmbedding(picture, { mirrored: false }).entries()) {
    expect(Math.abs(got[k] - value)).toBeLessThan(1e-4);
  }
}

describe('sphereface import', () => {
  it('makes a model file of a Caffe net, its definition beside it', async () => {
    const output = join(scratch, 'caffe.onnx');
    const { stdout, stderr, error } = await runCommand(registerImport, [
      ...['import', join(scratch, 'net.caffemodel'), '-o', output, '--input-spec', spec, '--json'],
    ]);
    expect(error).toBeUndefined();
    expect(JSON.parse(stdout)).toMatchObject({
      embedding: 'fc5',
      embeddingSize: 2,
      parameters: ['fc5.weight'],
      classifiers: ['fc6.weight'],
      skipped: ['fc6 (MarginInnerProduct)'],
    });
    expect(stderr).toContain('.safetensors keeps it');
    expect(await readMetadata(output)).toMatchObject({ input: tinyInput, embeddingSize: 2 });
    expect((await readParameters(output)).get('fc5.weight')).toEqual({ shape: [2, 18], data: caffeWeights });
    await expectTiny(output);
  });

  it('takes any blob of a Caffe net, and of its weights those that the blob needs', async () => {
    const [net, output] = [join(scratch, 'deep.caffemodel'), join(scratch, 'deep.onnx')];
    const blob = { shape: [7, 2], data: fc6.data };
    const kernel = { shape: [4, 3, 1, 1], data: Float32Array.from({ length: 12 }, (_, i) => i) };
    const layers = [
      { name: 'conv1', type: 'Convolution', blobs: [kernel] },
      { name: 'fc5', type: 'InnerProduct', blobs: [{ shape: [2, 18], data: caffeWeights }] },
      { name: 'fc6', type: 'InnerProduct', blobs: [blob] },
    ];
    await writeFile(net, writeCaffeModel(layers));
    await writeFile(
      join(scratch, 'deep.prototxt'),
      `${prototxt.replace('MarginInnerProduct', 'InnerProduct').replace('bottom: "label" top: "fc6"', 'top: "fc6" inner_product_param { num_output: 7 bias_term: false }')}
      layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 4 kernel_size: 1 bias_term: false } }`,
    );
    const run = (...args: string[]) =>
      runCommand(registerImport, ['import', net, '-o', output, '--input-spec', spec, '--json', ...args]);
    expect(String((await run()).error)).toMatch(/not clear[^]*outputs fc6, conv1/);
    const { stdout } = await run('--blob', 'fc5');
    expect(JSON.parse(stdout)).toMatchObject({
      embeddingSize: 2,
      parameters: ['fc5.weight'],
      classifiers: ['fc6.weight', 'conv1.weight'],
    });
    expect([...(await readParameters(output)).keys()]).toEqual(['fc5.weight']);
    await expectTiny(output);
    // Feature maps are a row of their values.
    expect(JSON.parse((await run('--blob', 'conv1')).stdout)).toMatchObject({ embeddingSize: 24 });
    await using model = await openModel(output, { threads: 1 });
    expect(await model.embed([picture, picture])).toHaveLength(48);
    const start = join(scratch, 'deep.safetensors');
    await runCommand(registerImport, ['import', net, '-o', start, '--input-spec', spec, '--blob', 'fc5']);
    expect([...decodeSafetensors(await readFile(start)).tensors.keys()].sort()).toEqual([
      'conv1.weight',
      'fc5.weight',
      'fc6.weight',
    ]);
  });

  it('keeps the classifier in starting weights', async () => {
    const output = join(scratch, 'start.safetensors');
    const { error } = await runCommand(registerImport, [
      ...['import', join(scratch, 'net.caffemodel'), '-o', output, '--input-spec', spec],
    ]);
    expect(error).toBeUndefined();
    const { tensors } = decodeSafetensors(await readFile(output));
    expect(tensors.get('fc6.weight')).toEqual(fc6);
    expect(tensors.get('fc5.weight')).toEqual({ shape: [2, 18], data: caffeWeights });
  });

  it('writes the convention into an ONNX model from elsewhere', async () => {
    const foreign = join(scratch, 'foreign.onnx');
    await writeModel(foreign, tinyModel());
    const output = join(scratch, 'own.onnx');
    const { error } = await runCommand(registerImport, ['import', foreign, '-o', output, '--input-spec', spec]);
    expect(error).toBeUndefined();
    await expectTiny(output);
  });

  it('takes the convention as text, in YAML', async () => {
    const foreign = join(scratch, 'text.onnx');
    await writeModel(foreign, tinyModel());
    const output = join(scratch, 'text-own.onnx');
    const { width, height, mean, scale } = tinyInput;
    const text = `{width: ${width}, height: ${height}, channelOrder: BGR, mean: [${mean.join(', ')}], scale: [${scale.join(', ')}], alignment: {template: test, solver: umeyama, version: 7}}`;
    const { error } = await runCommand(registerImport, ['import', foreign, '-o', output, '--input-spec', text]);
    expect(error).toBeUndefined();
    expect((await readMetadata(output))!.input).toEqual(tinyInput);
    const wrong = await runCommand(registerImport, ['import', foreign, '-o', output, '--input-spec', '{width: no}']);
    expect(String(wrong.error)).toMatch(/the input specification does not have the expected form/);
    const absent = await runCommand(registerImport, ['import', foreign, '-o', output, '--input-spec', 'none.yaml']);
    expect(absent.error).toBeInstanceOf(UsageError);
  });

  it('takes in weights from files beside the model, which other commands leave to it', async () => {
    const foreign = join(scratch, 'parts.onnx');
    const parts = parseModel(tinyModel(), 'tiny');
    await writeFile(join(scratch, 'parts.data'), moveOutside(parts, { location: 'parts.data' }));
    await writeModel(foreign, encodeModel(parts));
    await expect(openModel(foreign, { inputSpec: tinyInput })).rejects.toThrow(
      /weights in other files[^]*next: make one file of it: sphereface import .*parts\.onnx -o OWN/,
    );
    const output = join(scratch, 'whole.onnx');
    const { error } = await runCommand(registerImport, ['import', foreign, '-o', output, '--input-spec', spec]);
    expect(error).toBeUndefined();
    await rm(join(scratch, 'parts.data'));
    await expectTiny(output);
  });

  it('finds the convention on photos, and shows what was tried', async () => {
    const crops = join(scratch, 'crops');
    await writeConventionCrops(crops, 4, 2);
    const foreign = join(scratch, 'unknown.onnx');
    const unknown = parseModel(conventionModel({ channelOrder: 'BGR', mean: 0, scale: 255 }), 'unknown');
    await writeFile(join(scratch, 'unknown.data'), moveOutside(unknown, { location: 'unknown.data' }));
    await writeModel(foreign, encodeModel(unknown));
    const output = join(scratch, 'found.onnx');
    const run = (...args: string[]) =>
      runCommand(registerImport, ['import', foreign, '-o', output, '--probe', crops, '--threads', '1', ...args]);
    const { stdout, stderr, error } = await run('--json');
    expect(error).toBeUndefined();
    const result = JSON.parse(stdout) as { input: object; probe: { conventions: object[]; people: number } };
    expect(result.input).toMatchObject({ channelOrder: 'BGR', mean: [0, 0, 0], scale: [255, 255, 255] });
    expect(result.probe).toMatchObject({ people: 4, photos: 8 });
    expect(result.probe.conventions).toHaveLength(14);
    expect((await readMetadata(output))!.input).toEqual(result.input);
    expect(stderr).toMatch(/14 conventions tried on 8 photos of 4 people[^]*1\.0000 +0\.00 % +BGR +x \/ 255/);
    expect(stderr).toMatch(/the next that differs[^]*warning: only 4 people/);
    expect((await run('--input-spec', spec)).error).toBeInstanceOf(UsageError);
    const caffe = await runCommand(registerImport, [
      ...['import', join(scratch, 'net.caffemodel'), '-o', output, '--probe', crops],
    ]);
    expect(String(caffe.error)).toMatch(/of an ONNX model that states none/);
  });

  it('says what is odd about a model, and about its convention', async () => {
    const foreign = join(scratch, 'odd.onnx');
    await writeModel(foreign, foreignModel({ outputs: { embedding: 'embedding', roots: 'roots' } }));
    const unit = JSON.stringify({ ...tinyInput, mean: [0.5, 0.5, 0.5], scale: [0.5, 0.5, 0.5] });
    const output = join(scratch, 'odd-own.onnx');
    const run = (name: string) =>
      runCommand(registerImport, [
        ...['import', foreign, '-o', output, '--input-spec', unit, '--model-output', name, '--json'],
      ]);
    const { stdout, stderr, error } = await run('embedding');
    expect(error).toBeUndefined();
    expect(stderr).toMatch(/warning: mean and scale are for pixels from 0 to 255.* mean \[127\.5/);
    expect((JSON.parse(stdout) as { warnings: string[] }).warnings).toHaveLength(1);
    await rm(output);
    expect(String((await run('roots')).error)).toMatch(/odd\.onnx gives no usable embeddings/);
    await expect(readMetadata(output)).rejects.toThrow(/cannot be opened/);
  });

  it("refuses a convention whose size is not its template's", async () => {
    const foreign = join(scratch, 'template.onnx');
    await writeModel(foreign, tinyModel());
    const output = join(scratch, 'template-own.onnx');
    const of = (template: string, size = {}) =>
      JSON.stringify({ ...tinyInput, ...size, alignment: { ...tinyInput.alignment, template } });
    const run = (given: string) => runCommand(registerImport, ['import', foreign, '-o', output, '--input-spec', given]);
    const wide = await run(of('sphereface-112x96', { width: 112, height: 112 }));
    expect(wide.error).toBeInstanceOf(UsageError);
    expect(String(wide.error)).toMatch(
      /112 high, 112 wide, with template sphereface-112x96: 112 high, 96 wide\n.*expected: template sphereface-112x112\n/,
    );
    expect(String((await run(of('dlib-150x150'))).error)).toMatch(
      /2 high, 3 wide, with template dlib[^]*a size that a template has: sphereface-112x96 or .* or dlib-150x150/,
    );
    // In a file beside the model as well.
    await writeFile(`${foreign}.json`, of('sphereface-112x96'));
    const beside = await runCommand(registerImport, ['import', foreign, '-o', output]);
    expect(String(beside.error)).toMatch(/The pictures of .*template\.onnx do not have the size/);
    await expect(readMetadata(output)).rejects.toThrow(/cannot be opened/);
    expect((await run(of('my-own'))).error).toBeUndefined();
  });

  it('says what a file is that is no model', async () => {
    const page = '<html><body>Sign in</body></html>';
    for (const [name, content, message] of [
      ['page.onnx', page, /not an ONNX model[^]*a web page/],
      ['page.caffemodel', page, /not a readable Caffe model[^]*a web page/],
      ['model.h5', '\x89HDF\r\n\x1a\n', /model\.h5, an HDF5 file[^]*tf2onnx/],
    ] as const) {
      await writeFile(join(scratch, name), content, 'latin1');
      await writeFile(join(scratch, 'page.prototxt'), prototxt);
      const { error } = await runCommand(registerImport, [
        ...['import', join(scratch, name), '-o', join(scratch, 'x.onnx'), '--input-spec', spec],
      ]);
      expect(String(error)).toMatch(message);
    }
    const folder = await runCommand(registerImport, ['import', scratch, '-o', join(scratch, 'x.onnx')]);
    expect(String(folder.error)).toMatch(/a folder\n[^]*next: give the file in it/);
  });

  it('says what is missing', async () => {
    const caffemodel = join(scratch, 'net.caffemodel');
    const run = (...args: string[]) => runCommand(registerImport, ['import', ...args, '-o', join(scratch, 'x.onnx')]);
    expect((await run(join(scratch, 'net.pth'))).error).toBeInstanceOf(UsageError);
    expect(String((await run(caffemodel, '--prototxt', join(scratch, 'no.prototxt'))).error)).toMatch(/cannot be read/);
    expect(String((await run(caffemodel)).error)).toMatch(/\[3, 2, 3\][^]*\[3, 112, 96\]/);
    expect(String((await run(caffemodel, '--input-spec', spec, '--blob', 'fc9')).error)).toMatch(
      /no blob "fc9"[^]*one of fc5/,
    );
  });
});
