// The export command: half precision and its stated cosine, the classifier beside the model, and no writing over the original.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { classifierPath, encodeWeights, openModel, readClassifier, writeModel } from '../models/index.js';
import { runCommand } from '../testing/command.js';
import { narrowFaceModel } from '../testing/face-model.js';
import { registerExport } from './export.js';

let scratch: string;
let model: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-export-command-'));
  model = join(scratch, 'model.onnx');
  await writeModel(model, narrowFaceModel());
});
afterAll(() => rm(scratch, { recursive: true }));

describe('sphereface export', () => {
  it('writes float16 and states the cosine with the original', async () => {
    const output = join(scratch, 'half.onnx');
    const { stdout, error } = await runCommand(registerExport, [
      ...['export', model, '-o', output, '--dtype', 'float16', '--threads', '1', '--json'],
    ]);
    expect(error).toBeUndefined();
    const result = JSON.parse(stdout) as { bytes: number; originalBytes: number; smallestCosine: number };
    expect(result.smallestCosine).toBeGreaterThan(0.9999);
    expect(result.bytes).toBeLessThan(result.originalBytes * 0.55);
    await using exported = await openModel(output, { threads: 1 });
    expect(exported.embeddingSize).toBe(64);
    expect((await readdir(scratch)).sort()).toEqual(['half.onnx', 'model.onnx']);
  });

  it('takes the classifier along, and none that belongs to another model', async () => {
    const classifier = encodeWeights({
      parameters: new Map([['fc6.weight', { shape: [1, 2], data: Float32Array.of(0.6, 0.8) }]]),
      identities: ['Zoë'],
    });
    await writeFile(classifierPath(model), classifier);
    const output = join(scratch, 'with-classifier.onnx');
    const { stdout } = await runCommand(registerExport, ['export', model, '-o', output, '--threads', '1']);
    expect(stdout).toContain(classifierPath(output));
    expect((await readClassifier(output))?.identities).toEqual(['Zoë']);
    await rm(classifierPath(model));
    await runCommand(registerExport, ['export', model, '-o', output, '--threads', '1']);
    expect(await readClassifier(output)).toBeUndefined();
  });

  it('does not overwrite the original', async () => {
    const { error } = await runCommand(registerExport, ['export', model, '-o', model, '--dtype', 'float16']);
    expect(error).toBeInstanceOf(UsageError);
  });
});
