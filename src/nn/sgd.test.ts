// SGD against Caffe's order of operations, written out as scalar code in float64.
import { describe, expect, it } from 'vitest';
import { float32, float32Data, float32Scalar, Session } from '../runtime/index.js';
import { uniform } from '../testing/nd-array.js';
import { sgdUpdateModel } from './sgd.js';

const size = 7;
/** A learning rate that drops tells Caffe's order from the other one, p ← p − η (m v + g): there v forgets the old rate at once. */
const rates = [0.1, 0.1, 0.01, 0.01];
const momentum = 0.9;
const decay = 5e-4;

const flat = (x: Float32Array) => float32(x, [x.length]);
const scalars = (learningRate: number) => ({
  learningRate: float32Scalar(learningRate),
  momentum: float32Scalar(momentum),
  decay: float32Scalar(decay),
});
const gradientOf = (step: number) => Float32Array.from(uniform([size], 10 + step).data);
const start = Float32Array.from(uniform([size], 1).data);

/** Caffe's SGDSolver: Regularize (diff += decay · data), ComputeUpdateValue (history = rate · diff + momentum · history), Update. */
function caffe(): { p: Float64Array; v: Float64Array } {
  const p = Float64Array.from(start);
  const v = new Float64Array(size);
  rates.forEach((rate, step) => {
    gradientOf(step).forEach((g, i) => {
      const diff = g + decay * p[i];
      v[i] = rate * diff + momentum * v[i];
      p[i] -= v[i];
    });
  });
  return { p, v };
}

function expectCaffe(p: Float32Array, v: Float32Array): void {
  const expected = caffe();
  // A few roundings of float32 on values near 1.
  p.forEach((value, i) => expect(Math.abs(value - expected.p[i])).toBeLessThan(1e-6));
  v.forEach((value, i) => expect(Math.abs(value - expected.v[i])).toBeLessThan(1e-6));
}

describe('the update graph', () => {
  it.each(['portable', 'cpu'] as const)("follows Caffe's SGD (%s)", async (device) => {
    await using session = await Session.create(sgdUpdateModel(size, { device }), { threads: 1 });
    let [p, v]: Float32Array[] = [start, new Float32Array(size)];
    for (const [step, rate] of rates.entries()) {
      const results = await session.run({ p: flat(p), v: flat(v), gradient: flat(gradientOf(step)), ...scalars(rate) });
      [p, v] = [float32Data(results.p_new), float32Data(results.v_new)];
    }
    expectCaffe(p, v);
  });

  it('may write over its own inputs', async () => {
    await using session = await Session.create(sgdUpdateModel(size), { threads: 1 });
    const [p, v] = [flat(start.slice()), flat(new Float32Array(size))];
    for (const [step, rate] of rates.entries()) {
      await session.run({ p, v, gradient: flat(gradientOf(step)), ...scalars(rate) }, { p_new: p, v_new: v });
    }
    expectCaffe(float32Data(p), float32Data(v));
  });

  it('takes any number of values', async () => {
    await using session = await Session.create(sgdUpdateModel(size), { threads: 2 });
    const count = 100_000;
    const ones = flat(new Float32Array(count).fill(1));
    const results = await session.run({ p: ones, v: ones, gradient: ones, ...scalars(0.5) });
    expect(results.p_new.dims).toEqual([count]);
    const v = 0.9 + 0.5 * (1 + 5e-4);
    expect(float32Data(results.v_new).every((value) => Math.abs(value - v) < 1e-6)).toBe(true);
    expect(float32Data(results.p_new).every((value) => Math.abs(value - (1 - v)) < 1e-6)).toBe(true);
  });
});
