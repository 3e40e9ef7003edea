// SGD against Caffe's order of operations, written out as scalar code in float64.
import { describe, expect, it } from 'vitest';
import { uniform } from '../testing/nd-array.js';
import { sgdUpdate } from './sgd.js';

const size = 7;
/** A learning rate that drops tells Caffe's order from the other one, p ← p − η (m v + g): there v forgets the old rate at once. */
const rates = [0.1, 0.1, 0.01, 0.01];
const momentum = 0.9;
const decay = 5e-4;

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

describe('an update', () => {
  it("follows Caffe's SGD, in place", () => {
    const p = start.slice();
    const v = new Float32Array(size);
    rates.forEach((learningRate, step) => sgdUpdate(p, v, gradientOf(step), { learningRate, momentum, decay }));
    const expected = caffe();
    // A few roundings of float32 on values near 1.
    p.forEach((value, i) => expect(Math.abs(value - expected.p[i])).toBeLessThan(1e-6));
    v.forEach((value, i) => expect(Math.abs(value - expected.v[i])).toBeLessThan(1e-6));
  });

  it('scales the gradient, and not the decay', () => {
    const [p, scaled] = [start.slice(), start.slice()];
    const half = gradientOf(0).map((g) => g / 2);
    sgdUpdate(p, new Float32Array(size), half, { learningRate: 0.1, momentum, decay });
    sgdUpdate(scaled, new Float32Array(size), gradientOf(0), {
      learningRate: 0.1,
      momentum,
      decay,
      gradientScale: 0.5,
    });
    expect(scaled).toEqual(p);
  });

  it('leaves the gradient as it is', () => {
    const gradient = gradientOf(0);
    sgdUpdate(start.slice(), new Float32Array(size), gradient, { learningRate: 0.1, momentum, decay });
    expect(gradient).toEqual(gradientOf(0));
  });
});
