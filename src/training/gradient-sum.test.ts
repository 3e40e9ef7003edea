// Gradients of all ranks into one, in several buckets.
import { expect, it } from 'vitest';
import { localGroup } from '../distributed/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { sumGradients } from './gradient-sum.js';
import { ParameterStore } from './parameter-store.js';

it('adds up every parameter but those that are summed already, and gives their norms', async () => {
  const spec = (name: string, size: number, learningRateMultiplier = 1): ParameterSpec => ({
    name,
    shape: [size],
    role: 'filters',
    filler: { type: 'constant', value: 0 },
    learningRateMultiplier,
  });
  // Two small ones in one bucket, one that fills it, one in another bucket, one in another group.
  const specs = [spec('a', 7), spec('b', 2 ** 21 + 3), spec('c', 9), spec('summed', 5), spec('d', 3), spec('e', 4, 2)];
  const stores = await Promise.all(
    localGroup(2).map(async (communicator) => {
      const store = new ParameterStore(specs);
      for (const gradient of store.gradients.values())
        for (let i = 0; i < gradient.length; i++) gradient[i] = (i % 5) + communicator.rank;
      const norms = await sumGradients(store, communicator, new Set(['summed']));
      return { store, norms };
    }),
  );
  for (const [rank, { store, norms }] of stores.entries()) {
    expect([...norms.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'summed']);
    for (const [name, gradient] of store.gradients) {
      let [wrong, squares] = [0, 0];
      for (let i = 0; i < gradient.length; i++) {
        if (gradient[i] !== (name === 'summed' ? (i % 5) + rank : 2 * (i % 5) + 1)) wrong++;
        squares += gradient[i] ** 2;
      }
      expect(wrong, name).toBe(0);
      expect(norms.get(name), name).toBeCloseTo(Math.sqrt(squares), 6);
    }
  }
});
