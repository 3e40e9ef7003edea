// An op is added with one file (fixtures/cube.ts) and one line (fixtures/ops.ts): used, differentiated and run like those that are there.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { conv2d, cube, Graph, gradients, serialize, sum } from '../testing/fixtures/ops.js';
import { expectClose } from '../testing/close.js';
import { fromTensor, fromValues, map, toTensor, uniform } from '../testing/nd-array.js';
import { describeOps, evaluate, seeds, shapes } from '../testing/op-suite.js';
import { Session } from '../runtime/index.js';

describeOps({
  cube: fc.tuple(shapes({ minRank: 0 }), seeds).map(([shape, seed]) => ({
    title: `[${shape.join()}]`,
    inputs: [uniform(shape, seed)],
    build: cube,
    reference: (x) => map(x, (value) => value ** 3),
  })),
});

it('is differentiated twice', async () => {
  const x = fromValues([3], [-2, 0.5, 3]);
  const { second } = await evaluate({ x }, (inputs) => {
    const [first] = gradients(sum(cube(inputs.x)), [inputs.x]);
    return { second: gradients(sum(first), [inputs.x])[0] };
  });
  expect(Array.from(second.data)).toEqual([-12, 3, 18]);
});

it('follows a convolution in the layout that it has on the CPU', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 16, 5, 4]);
  const w = graph.input('w', 'float32', [16, 16, 3, 3]);
  const y = cube(conv2d(x, w, { padding: 1 }));
  const outputs = { y, dw: gradients(sum(y), [w])[0] };
  const feeds = { x: toTensor(uniform(x.shape, 1)), w: toTensor(uniform(w.shape, 2, -0.1, 0.1)) };
  const run = async (device: 'portable' | 'cpu') => {
    await using session = await Session.create(serialize(graph, { outputs, target: { device } }), { threads: 1 });
    return await session.run(feeds);
  };
  const [standard, lowered] = [await run('portable'), await run('cpu')];
  for (const name of ['y', 'dw'])
    expectClose(fromTensor(lowered[name]), fromTensor(standard[name]), { relative: 1e-4, absolute: 1e-5 }, name);
});
