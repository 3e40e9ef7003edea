// Networks whose file leaves the batch open though they compute one picture at a time.
import { describe, expect, it } from 'vitest';
import type { InputSpec } from '../images/input.js';
import type { Picture } from '../images/source.js';
import { encodeModel, hashedTensor, int64s, testModel } from '../testing/onnx-model.js';
import { openModel } from './model.js';

const spec: InputSpec = {
  ...{ width: 4, height: 4, channelOrder: 'RGB', mean: [0, 0, 0], scale: [255, 255, 255] },
  alignment: { template: 'test', solver: 'umeyama', version: 1 },
};
const pictures = Array.from({ length: 5 }, (_, k): Picture => ({
  ...{ width: 4, height: 4 },
  data: Uint8Array.from({ length: 48 }, (_, i) => (i * 37 + k * 101) % 256),
}));

/** [batch, 3, 4, 4] → [batch, 6], through a reshape to `shape`. */
function flattening(shape: readonly number[], batch: number | string = 'batch', weights = [48, 6]): Uint8Array {
  const model = testModel({
    opset: 17,
    images: [batch, 3, 4, 4],
    nodes: [
      { op: 'Reshape', inputs: ['images', 'shape'], outputs: ['flat'] },
      { op: 'MatMul', inputs: ['flat', 'w'], outputs: ['embedding'] },
    ],
    initializers: { shape: int64s(...shape), w: hashedTensor(weights, 3) },
    outputs: ['embedding'],
  });
  return encodeModel(model);
}

async function embedded(bytes: Uint8Array, warnings: string[] = []): Promise<Float32Array[]> {
  const onWarning = (text: string): void => void warnings.push(text);
  await using model = await openModel(bytes, { threads: 1, inputSpec: spec, onWarning });
  return Promise.all([{ batchSize: 3 }, { batchSize: 1 }, { flip: true }].map((how) => model.embed(pictures, how)));
}

describe('a network that computes one picture at a time', () => {
  it('is run so, and gives what the same network gives of batches; said once', async () => {
    const warnings: string[] = [];
    const [alone, together] = [await embedded(flattening([1, 48]), warnings), await embedded(flattening([-1, 48]))];
    // The same sums of 48 products up to 1, in float32.
    for (const [k, rows] of together.entries()) {
      expect(alone[k]).toHaveLength(rows.length);
      for (const [i, value] of rows.entries()) expect(Math.abs(alone[k][i] - value)).toBeLessThan(1e-5);
    }
    expect(warnings).toEqual([expect.stringMatching(/^the model computes one picture at a time, .* run so/)]);
  });

  it('is no excuse for one that fails in any case', async () => {
    const [warnings, model] = [[] as string[], flattening([1, 48], 'batch', [47, 6])];
    await expect(embedded(model, warnings)).rejects.toThrow();
    expect(warnings).toEqual([]);
  });

  it('does not have a batch of none', async () => {
    await expect(embedded(flattening([-1, 48], 0))).rejects.toThrow(
      /batches of no picture at all[^]*float32 \[0, 3, 4, 4\][^]*next: export it again with an open batch/,
    );
    await expect(embedded(flattening([-1, 48], -1))).resolves.toHaveLength(3);
  });
});
