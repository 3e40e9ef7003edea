// Every loss against an independent float64 implementation: its value, and its gradient against central differences of that.
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { gradients, type Value } from '../graph/index.js';
import {
  aSoftmaxOf,
  centralDifferences,
  cosine,
  energyReference,
  lossReference,
  type Matrix,
  norm,
  randomRows,
  relativeError,
  sphereFace2,
  triedMargins,
} from '../testing/loss-reference.js';
import { graphValues } from '../testing/graph-values.js';
import { rieszEnergy } from './energies/riesz-pairs.js';
import { type MarginOptions, margins } from './margins/index.js';
import type { MarginDescriptor, MarginInputs } from './margins/margin.js';
import { sphereFace2Bias } from './margins/sphereface2.js';

function classificationLoss(inputs: MarginInputs, options: MarginOptions): Value {
  const margin: MarginDescriptor = margins.of(options.type);
  return margin.build(inputs, options).loss;
}

/** float32 against float64: acos and division near the ends of the sphere lose three of seven digits at worst. */
const tolerance = 5e-4;

const nameOf = (options: MarginOptions) => JSON.stringify(options).replace(/["{}]/g, '').replace('type:', '');

async function marginGradients(X: Matrix, W: Matrix, labels: number[], lambda: number, options: MarginOptions) {
  const bias = sphereFace2Bias(W.length, sphereFace2);
  const out = await graphValues({ X, W, lambda, bias: [bias] }, labels, (v) => {
    const asked = { scalars: { lambda: v.lambda }, parameters: { bias: v.bias } };
    const loss = classificationLoss({ features: v.X, classifier: v.W, labels: v.labels, ...asked }, options);
    const [dX, dW, dBias] = gradients(loss, [v.X, v.W, v.bias]);
    return { loss, dX, dW, dBias };
  });
  const F = (x: Matrix, w: Matrix, b = bias) => lossReference(x, w, labels, lambda, b, options);
  expect(Math.abs(out.loss[0] / F(X, W) - 1)).toBeLessThan(1e-5);
  expect(
    relativeError(
      out.dX,
      centralDifferences(X, (x) => F(x, W)),
    ),
  ).toBeLessThan(tolerance);
  expect(
    relativeError(
      out.dW,
      centralDifferences(W, (w) => F(X, w)),
    ),
  ).toBeLessThan(tolerance);
  expect(
    relativeError(
      out.dBias,
      centralDifferences([[bias]], ([[b]]) => F(X, W, b)),
    ),
  ).toBeLessThan(tolerance);
}

describe('margins: value and exact gradient', () => {
  it.each(triedMargins.map((options) => [nameOf(options), options] as const))('%s', async (_, options) => {
    const random = new Random(7);
    const W = randomRows(random, 7, 5);
    const X = randomRows(random, 12, 5, 2);
    const labels = Array.from({ length: 12 }, (_, i) => (i * 3) % 7);
    await marginGradients(X, W, labels, 1.5, options);
  });

  it.each([1, 2, 3, 4] as const)('A-Softmax m = %i at and beside its break angles', async (m) => {
    // Features at exact angles from classifier 0, in the plane of axes 0 and 1.
    const breaks = Array.from({ length: m }, (_, k) => (k * 180) / m).filter((degrees) => degrees > 0);
    const degrees = [...breaks, ...breaks.flatMap((at) => [at - 0.1, at + 0.1]), 5, 88, 92, 175];
    const X = degrees.map((at) => {
      const theta = (at / 180) * Math.PI;
      return [3 * Math.cos(theta), 3 * Math.sin(theta), 0];
    });
    const W = [
      [1, 0, 0],
      [0.2, 0.5, 0.8],
      [-0.6, 0.3, -0.5],
    ];
    await marginGradients(
      X,
      W,
      degrees.map(() => 0),
      0.5,
      aSoftmaxOf(m),
    );
  });

  const versions = ['v1', 'v2'] as const;
  it.each(versions)(
    'SphereFace-R %s, detached, has the gradient of plain cosines under the same probabilities',
    async (version) => {
      const random = new Random(3);
      const W = randomRows(random, 5, 4);
      const X = randomRows(random, 6, 4);
      const labels = [0, 1, 2, 3, 4, 0];
      const options = { type: 'sphereface-r', version, scale: 8, m: 1.5, weight: 1 } as const;
      const loss = (v: Record<'X' | 'W' | 'labels', Value>, gradient: 'exact' | 'detached') =>
        classificationLoss(
          { features: v.X, classifier: v.W, labels: v.labels, scalars: {}, parameters: {} },
          { ...options, gradient },
        );
      const out = await graphValues({ X, W }, labels, (v) => {
        const detached = loss(v, 'detached');
        return { exact: loss(v, 'exact'), detached, dX: gradients(detached, [v.X])[0] };
      });
      expect(out.detached[0]).toBeCloseTo(out.exact[0], 6);
      // d loss / d logit_ij = (p_ij − [j = y_i]) / n with the margin's probabilities, times 8 d cos_ij / dx.
      const withMargin = (c: number, isTarget: boolean): number => {
        if (version === 'v1') return isTarget ? Math.cos(Math.min(1.5 * Math.acos(c), Math.PI)) : c;
        return isTarget ? c : Math.cos(Math.acos(c) / 1.5);
      };
      const expected = X.flatMap((x, i) => {
        const logits = W.map((w, j) => 8 * withMargin(cosine(x, w), j === labels[i]));
        const total = logits.reduce((t, z) => t + Math.exp(z), 0);
        const slopes = logits.map((z, j) => (8 * (Math.exp(z) / total - (j === labels[i] ? 1 : 0))) / X.length);
        return centralDifferences([x], ([moved]) => slopes.reduce((t, slope, j) => t + slope * cosine(moved, W[j]), 0));
      });
      expect(relativeError(out.dX, expected)).toBeLessThan(tolerance);
    },
  );
});

describe('energies: value and gradient', () => {
  const kinds = ([0, 1, 2] as const).flatMap((s) =>
    (['distance', 'angle', 'radians'] as const).flatMap((on) =>
      (['full', 'half'] as const).map((space) => ({ s, on, space })),
    ),
  );
  it.each(kinds)('s = $s on $on, $space space', async (options) => {
    const W = randomRows(new Random(11), 9, 6);
    const labels = [4, 0, 4, 7, 2, 4, 0];
    for (const pairs of ['batch-all', 'batch', 'all'] as const) {
      const out = await graphValues({ W }, labels, (v) => {
        const energy = rieszEnergy(v.W, v.labels, pairs, options);
        return { energy, dW: gradients(energy, [v.W])[0] };
      });
      const F = (w: Matrix) => energyReference(w, labels, pairs, options);
      expect(relativeError(out.energy, [F(W)]), pairs).toBeLessThan(1e-5);
      expect(relativeError(out.dW, centralDifferences(W, F)), pairs).toBeLessThan(tolerance);
    }
  });

  it('all pairs over several blocks', async () => {
    const W = randomRows(new Random(5), 1100, 12);
    const options = { s: 1, on: 'distance', space: 'full' } as const;
    const out = await graphValues({ W }, [0], (v) => {
      const energy = rieszEnergy(v.W, v.labels, 'all', options);
      return { energy, dW: gradients(energy, [v.W])[0] };
    });
    expect(relativeError(out.energy, [energyReference(W, [], 'all', options)])).toBeLessThan(1e-5);
    for (const row of [0, 511, 512, 1099]) {
      // Only the pairs of this row depend on it: 2 Σ_j f, over N (N − 1).
      const F = ([w]: Matrix) =>
        (2 * W.reduce((t, other, j) => (j === row ? t : t + 1 / Math.sqrt(2 - 2 * cosine(w, other))), 0)) /
        (1100 * 1099);
      const got = out.dW.subarray(row * 12, row * 12 + 12);
      expect(relativeError(got, centralDifferences([W[row]], F))).toBeLessThan(tolerance);
    }
  });

  it.each(kinds)('stays finite where rows coincide or oppose: s = $s on $on, $space space', async (options) => {
    const row = [0.3, -0.4, 0.5];
    const W = [row, row, row.map((x) => -x), row.map((x, i) => x + (i === 0 ? 1e-6 : 0)), [1, 0, 0]];
    for (const pairs of ['batch-all', 'batch', 'all'] as const) {
      const out = await graphValues({ W }, [0, 1, 2, 0], (v) => {
        const energy = rieszEnergy(v.W, v.labels, pairs, options);
        return { energy, dW: gradients(energy, [v.W])[0] };
      });
      expect([...out.energy, ...out.dW].every(Number.isFinite)).toBe(true);
    }
  });

  it('a batch of one label has no pairs among itself', async () => {
    const W = randomRows(new Random(2), 4, 3);
    const out = await graphValues({ W }, [1, 1, 1], (v) => {
      const energy = rieszEnergy(v.W, v.labels, 'batch', { s: 2, on: 'distance', space: 'full' });
      return { energy, dW: gradients(energy, [v.W])[0] };
    });
    expect([...out.energy, ...out.dW].every((x) => x === 0)).toBe(true);
  });

  it('descending the energy spreads the rows', async () => {
    let W = randomRows(new Random(9), 6, 3);
    const options = { s: 1, on: 'distance', space: 'full' } as const;
    const before = energyReference(W, [], 'all', options);
    for (let step = 0; step < 60; step++) {
      const { dW } = await graphValues({ W }, [0], (v) => ({
        dW: gradients(rieszEnergy(v.W, v.labels, 'all', options), [v.W])[0],
      }));
      W = W.map((row, i) => {
        const moved = row.map((x, j) => x - 2 * dW[i * 3 + j]);
        return moved.map((x) => x / norm(moved));
      });
    }
    // Six points are best as an octahedron: mean energy (12 / √2 + 3 / 2) / 15.
    const best = (12 / Math.SQRT2 + 1.5) / 15;
    const after = energyReference(W, [], 'all', options);
    expect(before).toBeGreaterThan(best * 1.02);
    expect(after).toBeLessThan(best * 1.001);
  });
});
