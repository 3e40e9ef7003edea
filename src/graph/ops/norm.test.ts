// The Euclidean norm: against Math.hypot and central differences, at the origin, and long values in the form for WebGPU.
import { expect, it } from 'vitest';
import { float32Data, Session } from '../../runtime/index.js';
import { webgpuWorks } from '../../testing/devices.js';
import { fromValues, toTensor, uniform } from '../../testing/nd-array.js';
import { describeOps, gradientOf, seeds, shapes } from '../../testing/op-suite.js';
import { Graph, norm, serialize } from '../index.js';

describeOps({
  norm: shapes({ minRank: 0 }).chain((shape) =>
    seeds.map((seed) => ({
      title: `[${shape.join()}]`,
      inputs: [uniform(shape, seed, 0.1, 1)],
      build: norm,
      reference: (x) => ({ shape: [], data: Float64Array.of(Math.hypot(...x.data)), dtype: 'float32' as const }),
    })),
  ),
});

it('has no gradient at the origin', async () => {
  expect(await gradientOf(fromValues([3], [0, 0, 0]), norm)).toEqual([0, 0, 0]);
});

// Two stages on WebGPU: rows of many lengths, those of a prime number of elements in one stage, and zeros.
it.each([[[64, 1024]], [[3, 7, 4099]], [[65537]], [[512, 128, 3, 3]]])(
  'has the length of %j in the form for WebGPU',
  async (shape) => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', shape);
    const model = serialize(graph, { outputs: { y: norm(x) }, target: { device: 'webgpu' } });
    const values = uniform(shape, 5);
    for (const device of webgpuWorks ? (['cpu', 'webgpu'] as const) : (['cpu'] as const)) {
      await using session = await Session.create(model, { device });
      const { y } = await session.run({ x: toTensor(values) });
      expect(float32Data(y)[0] / Math.sqrt(values.data.reduce((sum, value) => sum + value ** 2, 0))).toBeCloseTo(1, 5);
    }
  },
);

it('says op and type where it does not fit', () => {
  expect(() => norm(new Graph().input('labels', 'int64', [2]))).toThrow(/^norm: .*\n.*int64\[2\]\n.*float32/);
});
