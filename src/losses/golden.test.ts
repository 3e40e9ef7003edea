// The published formulas' golden values (tools/released_formulas_golden.py, float64, from the released layers' definitions): every case,
// both gradients.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradients, mul, sum } from '../graph/index.js';
import { graphValues } from '../testing/graph-values.js';
import { aSoftmaxLogits, type AngularMultiple, psi } from './margins/a-softmax.js';
import { caffeEnergy, type CaffeEnergyOptions } from './energies/caffe.js';
import type { RieszOptions } from './energies/riesz-kernel.js';
import { rieszEnergy } from './energies/riesz-pairs.js';

interface Golden {
  readonly psi: { m: AngularMultiple; deg: number; value: number }[];
  readonly margin: {
    X: number[][];
    W_raw: number[][];
    labels: number[];
    dTop: number[][];
    lambda: number;
    cases: { m: AngularMultiple; coeff_normalised: boolean; top: number[][]; dX: number[][]; dW_caffe: number[][] }[];
  };
  readonly inter_class: (CaffeEnergyOptions & { labels: number[]; dist: number; dW: number[][] })[];
  readonly mhe: {
    full: Record<string, number>;
    half: Record<string, number>;
    equilateral_on_circle: Record<string, number>;
  };
}

const golden = JSON.parse(readFileSync(new URL('./released-formulas.golden.json', import.meta.url), 'utf8')) as Golden;

/** Everything here is O(1) in float32, a handful of roundings deep. */
const tolerance = 2e-6;

function expectClose(
  got: ArrayLike<number>,
  expected: readonly number[] | readonly (readonly number[])[],
  within = tolerance,
) {
  const flat = expected.flat();
  expect(got.length).toBe(flat.length);
  for (const [i, value] of flat.entries()) {
    expect(Math.abs(got[i] - value), `element ${i}: ${got[i]} against ${value}`).toBeLessThan(
      within * (1 + Math.abs(value)),
    );
  }
}

describe('golden values', () => {
  it.each([1, 2, 3, 4] as const)('ψ for m = %i', async (m) => {
    const cases = golden.psi.filter((item) => item.m === m);
    const c = cases.map(({ deg }) => Math.cos((deg / 180) * Math.PI));
    const { value } = await graphValues({ c }, [0], (v) => ({ value: psi(v.c, m) }));
    expectClose(
      value,
      cases.map((item) => item.value),
      1e-5,
    ); // the degree-4 polynomial in c near ±1 loses a digit
  });

  it.each(golden.margin.cases)('margin layer, m = $m, coefficients normalised: $coeff_normalised', async (item) => {
    const { X, W_raw: W, labels, dTop, lambda } = golden.margin;
    const gradient = item.coeff_normalised ? 'caffe' : 'exact';
    const out = await graphValues({ X, W, dTop, lambda }, labels, (v) => {
      const inputs = { features: v.X, classifier: v.W, labels: v.labels };
      const { logits } = aSoftmaxLogits(inputs, v.lambda, { m: item.m, gradient });
      const caffe = aSoftmaxLogits(inputs, v.lambda, { m: item.m, gradient: 'caffe' }).logits;
      const [dX] = gradients(sum(mul(logits, v.dTop)), [v.X]);
      const [dW] = gradients(sum(mul(caffe, v.dTop)), [v.W]);
      return { logits, dX, dW };
    });
    expectClose(out.logits, item.top);
    expectClose(out.dX, item.dX);
    expectClose(out.dW, item.dW_caffe);
  });

  it.each(golden.inter_class)('InterClass, $type, normalised: $normalise', async ({ labels, dist, dW, ...options }) => {
    const { W_raw: W } = golden.margin;
    const out = await graphValues({ W }, labels, (v) => {
      const { loss, distance } = caffeEnergy(v.W, v.labels, options);
      return { distance, loss, dW: gradients(loss, [v.W])[0] };
    });
    expectClose(out.distance, [dist]);
    expectClose(out.dW, dW);
  });

  const kinds: [string, Omit<RieszOptions, 'space'>, number][] = [
    ['s0', { s: 0, on: 'distance' }, 1],
    ['s0_code', { s: 0, on: 'distance' }, 0.5], // the code takes −log z², twice −log z
    ['s1', { s: 1, on: 'distance' }, 1],
    ['s2', { s: 2, on: 'distance' }, 1],
    ['a0_code', { s: 0, on: 'angle' }, 1],
    ['a1_code', { s: 1, on: 'angle' }, 1],
    ['a2_code', { s: 2, on: 'angle' }, 1],
    ['a2_opensphere', { s: 2, on: 'radians' }, 1],
  ];
  describe.each(['full', 'half'] as const)('energy in %s space', (space) => {
    it.each(kinds)('%s', async (key, options, factor) => {
      const out = await graphValues({ W: golden.margin.W_raw }, [0, 1, 2], (v) => ({
        all: rieszEnergy(v.W, v.labels, 'all', { ...options, space }),
        // With every row in the batch once, all three sets of pairs are the same.
        batchAll: rieszEnergy(v.W, v.labels, 'batch-all', { ...options, space }),
        batch: rieszEnergy(v.W, v.labels, 'batch', { ...options, space }),
      }));
      // The floor of 1e-6 under squared distances adds as much relative error.
      for (const got of Object.values(out)) expectClose(got, [factor * golden.mhe[space][key]], 5e-6);
    });
  });

  it.each(kinds)('energy of an equilateral triangle, %s', async (key, options, factor) => {
    const W = [0, 1, 2].map((k) => [Math.cos((k * 2 * Math.PI) / 3), Math.sin((k * 2 * Math.PI) / 3)]);
    const { energy } = await graphValues({ W }, [0], (v) => ({
      energy: rieszEnergy(v.W, v.labels, 'all', { ...options, space: 'full' }),
    }));
    expectClose(energy, [factor * golden.mhe.equilateral_on_circle[key]], 5e-6);
  });
});
