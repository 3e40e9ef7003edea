// Weights beside a model file: read from its own folder alone, and then inside.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelProto } from '../graph/onnx/onnx_pb.js';
import { floatParameters, parseModel } from '../graph/onnx/index.js';
import { encodeModel, hashedTensor, moveOutside, testModel } from '../testing/onnx-model.js';
import { readWholeModel } from './external-data.js';

const weights = hashedTensor([4, 3, 1, 1], 1);
const whole = (): ModelProto =>
  testModel({
    opset: 17,
    images: [1, 3, 2, 2],
    nodes: [{ op: 'Conv', inputs: ['images', 'w'], outputs: ['y'] }],
    initializers: { w: weights },
    outputs: ['y'],
  });

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'external-'));
  path = join(folder, 'models', 'it.onnx');
  await mkdir(join(folder, 'models'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes the model with its weights where the entries say, and the weights after 8 other bytes into `file`. */
async function write(entries: Readonly<Record<string, string>>, file = 'models/it.onnx.data'): Promise<void> {
  const model = whole();
  await writeFile(join(folder, file), Buffer.concat([Buffer.alloc(8), moveOutside(model, entries)]));
  await writeFile(path, encodeModel(model));
}

const parts = { offset: '8', length: String(weights.data.byteLength) };

describe('a model with weights in another file', () => {
  it('is read as one in one file', async () => {
    for (const entries of [parts, { offset: '8' }]) {
      await write({ location: 'it.onnx.data', ...entries });
      const model = parseModel(await readWholeModel(path), path);
      expect(floatParameters(model, path).get('w')!.data).toEqual(weights.data);
    }
  });

  it('stays byte for byte what it is where the weights are inside', async () => {
    const bytes = encodeModel(whole());
    await writeFile(path, bytes);
    expect(Buffer.from(await readWholeModel(path)).equals(bytes)).toBe(true);
  });

  it.each(['../it.onnx.data', '/etc/hostname', 'C:data', 'a/b', '..', '', 'nowhere.data', 'link'])(
    'is refused where they are elsewhere: %j',
    async (location) => {
      await write({ location, ...parts }, 'it.onnx.data');
      await symlink(join(folder, 'it.onnx.data'), join(folder, 'models', 'link'));
      await expect(readWholeModel(path)).rejects.toThrow(/in a file that is not read/);
    },
  );

  it.each([
    [{ offset: '9' }, /holds|does not hold/],
    [{ offset: '-1' }, /whole number of bytes/],
    [{ offset: '1e300' }, /whole number of bytes/],
    [{ offset: '9999' }, /does not hold/],
    [{ length: String(2 ** 40) }, /too large|does not hold/],
  ])('is refused where the file does not have them: %j', async (entries, message) => {
    await write({ location: 'it.onnx.data', ...parts, ...entries });
    await expect(readWholeModel(path)).rejects.toThrow(message);
  });
});
