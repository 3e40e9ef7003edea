// SGD against Caffe's order of operations, written out as scalar code in float64.
import { describe, expect, it } from 'vitest';
import { uniform } from '../testing/nd-array.js';
import { Graph, serialize } from '../graph/index.js';
import { float32, float32Data, float32Scalar, Session } from '../runtime/index.js';
import { sgdStep, sgdUpdate } from './sgd.js';

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

  it.each([decay, 0])('is the same in a graph, to float32 rounding, with decay %d', async (decay) => {
    const graph = new Graph();
    const [value, buffer, gradient] = ['p', 'v', 'g'].map((name) => graph.input(name, 'float32', [size]));
    const [learningRate, gradientScale] = ['rate', 'scale'].map((name) => graph.input(name, 'float32', []));
    const next = sgdStep({ value, momentum: buffer }, gradient, { learningRate, momentum, decay, gradientScale });
    await using session = await Session.create(serialize(graph, { outputs: { p2: next.value, v2: next.momentum } }));
    const [p, v] = [start.slice(), gradientOf(5)];
    const fed = { p: float32(p.slice(), [size]), v: float32(v.slice(), [size]), g: float32(gradientOf(0), [size]) };
    const { p2, v2 } = await session.run({ ...fed, rate: float32Scalar(0.1), scale: float32Scalar(0.5) });
    sgdUpdate(p, v, gradientOf(0), { learningRate: 0.1, momentum, decay, gradientScale: 0.5 });
    p.forEach((expected, i) => expect(Math.abs(float32Data(p2)[i] - expected)).toBeLessThan(1e-6));
    v.forEach((expected, i) => expect(Math.abs(float32Data(v2)[i] - expected)).toBeLessThan(1e-6));
  });

  it('leaves the gradient as it is', () => {
    const gradient = gradientOf(0);
    sgdUpdate(start.slice(), new Float32Array(size), gradient, { learningRate: 0.1, momentum, decay });
    expect(gradient).toEqual(gradientOf(0));
  });
});
