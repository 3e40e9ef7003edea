// Pooling: values against naive windows, gradients against central differences, ties, and sizes rounded as Caffe rounds them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinct, fromValues, type NdArray, tabulate, uniform, at } from '../../testing/nd-array.js';
import { describeOps, evaluate, expectValidOnnx, gradientOf, type OpCase, seeds } from '../../testing/op-suite.js';
import { pythonHas } from '../../testing/python.js';
import { averagePool2d, Graph, maxPool2d, type PoolOptions, serialize } from '../index.js';

type Pair = readonly [number, number];
interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
}

/** The number of windows along one axis; with `ceil` the last may reach over the far edge but must start before it. */
function windows(size: number, axis: 0 | 1, { kernel, stride, padding }: Window, rounding: 'floor' | 'ceil'): number {
  let count = 0;
  for (let start = -padding[axis]; ; start += stride[axis]) {
    const fits = start + kernel[axis] <= size + padding[axis];
    // With `ceil` a window also counts when the one before it does not reach the end of the padded picture.
    const wanted =
      rounding === 'ceil' && start - stride[axis] + kernel[axis] < size + padding[axis] && start < size + padding[axis];
    if (!(fits || (wanted && start < size))) return count;
    count++;
  }
}

function poolReference(
  x: NdArray,
  window: Window,
  rounding: 'floor' | 'ceil',
  fold: (inside: number[], area: number) => number,
): NdArray {
  const [n, c, h, w] = x.shape;
  const { kernel, stride, padding } = window;
  return tabulate([n, c, windows(h, 0, window, rounding), windows(w, 1, window, rounding)], ([b, k, i, j]) => {
    const inside: number[] = [];
    for (let u = 0; u < kernel[0]; u++)
      for (let v = 0; v < kernel[1]; v++) {
        const row = i * stride[0] + u - padding[0];
        const column = j * stride[1] + v - padding[1];
        if (row >= 0 && row < h && column >= 0 && column < w) inside.push(at(x, [b, k, row, column]));
      }
    return fold(inside, kernel[0] * kernel[1]);
  });
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const windowsFor = fc
  .record({
    n: upTo(2),
    c: upTo(2),
    size: fc.tuple(upTo(7), upTo(7)),
    kernel: fc.tuple(upTo(3), upTo(3)),
    stride: fc.tuple(upTo(3), upTo(3)),
    padding: fc.tuple(fc.nat(1), fc.nat(1)),
    rounding: fc.constantFrom<'floor' | 'ceil'>('floor', 'ceil'),
    seed: seeds,
  })
  // Padding less than the kernel, as ONNX demands, and at least one window.
  .filter(({ size, kernel, padding }) =>
    ([0, 1] as const).every((a) => padding[a] < kernel[a] && size[a] + 2 * padding[a] >= kernel[a]),
  );

function maximum(options: {
  n: number;
  c: number;
  size: Pair;
  kernel: Pair;
  stride: Pair;
  padding: Pair;
  rounding: 'floor' | 'ceil';
  seed: number;
}): OpCase {
  const { n, c, size, seed, rounding, ...window } = options;
  return {
    title: `[${[n, c, ...size].join()}], ${JSON.stringify(window)}, ${rounding}`,
    inputs: [distinct([n, c, ...size], seed)],
    build: (x) => maxPool2d(x, { ...window, rounding }),
    reference: (x) => poolReference(x, window, rounding, (inside) => Math.max(...inside)),
  };
}

describeOps({
  maxPool2d: windowsFor.map(maximum),
  averagePool2d: windowsFor.map(({ n, c, size, seed, kernel, stride, padding }) => ({
    title: `[${[n, c, ...size].join()}], kernel ${kernel.join()}, stride ${stride.join()}, padding ${padding.join()}`,
    inputs: [uniform([n, c, ...size], seed)],
    build: (x) => averagePool2d(x, { kernel, stride, padding }),
    reference: (x) =>
      poolReference(
        x,
        { kernel, stride, padding },
        'floor',
        (inside, area) => inside.reduce((a, b) => a + b, 0) / area,
      ),
  })),
});

describe('maxPool2d', () => {
  it('gives the gradient of a tie to the first of the equals', async () => {
    const x = fromValues([1, 1, 2, 4], [5, 5, 1, 2, 5, 0, 2, 2]);
    expect(await gradientOf(x, (value) => maxPool2d(value, { kernel: 2 }))).toEqual([1, 0, 0, 1, 0, 0, 0, 0]);
  });

  it('adds up the gradients of windows that share a maximum', async () => {
    const x = fromValues([1, 1, 1, 3], [1, 9, 2]);
    expect(await gradientOf(x, (value) => maxPool2d(value, { kernel: [1, 2], stride: 1 }))).toEqual([0, 2, 0]);
  });

  it('rounds the size as Caffe does with `ceil`', async () => {
    const shapeOf = async (size: number, options: PoolOptions) => {
      const { y } = await evaluate({ x: uniform([1, 1, size, size], 1) }, ({ x }) => ({ y: maxPool2d(x, options) }));
      return y.shape[2];
    };
    // Sizes of MTCNN's pooling layers (kernel 2 or 3, stride 2, Caffe's rounding).
    expect(await shapeOf(10, { kernel: 2, stride: 2, rounding: 'ceil' })).toBe(5);
    expect(await shapeOf(22, { kernel: 3, stride: 2, rounding: 'ceil' })).toBe(11);
    expect(await shapeOf(9, { kernel: 3, stride: 2, rounding: 'ceil' })).toBe(4);
    expect(await shapeOf(8, { kernel: 2, stride: 2, rounding: 'ceil' })).toBe(4);
    expect(await shapeOf(22, { kernel: 3, stride: 2, rounding: 'floor' })).toBe(10);
  });
});

it('drops a window that would start behind the picture, in a form that every ONNX version reads alike', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 1, 3, 4]);
  const y = maxPool2d(x, { kernel: 2, stride: [3, 3], padding: [1, 1], rounding: 'ceil' });
  expect(y.shape).toEqual([1, 1, 2, 2]);
  expect(maxPool2d(x, { kernel: 1, stride: 3, rounding: 'ceil' }).shape).toEqual([1, 1, 1, 2]);
  if (pythonHas('onnx')) {
    const more = maxPool2d(x, { kernel: 2, stride: 3, padding: 1, rounding: 'ceil' });
    const less = maxPool2d(x, { kernel: 1, stride: 3, rounding: 'ceil' });
    expectValidOnnx(serialize(graph, { outputs: { more, less } }));
  }
});

it('says op, shape and expectation where a window does not fit', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 2, 2, 5]);
  expect(() => maxPool2d(x, { kernel: 3 })).toThrow(/^maxPool2d: .*\n.*float32\[1, 2, 2, 5\]\n.*a window that fits/);
  expect(() => averagePool2d(x, { kernel: 3 })).toThrow(/^averagePool2d: .*\n.*float32\[1, 2, 2, 5\]\n.*a window/);
  expect(() => maxPool2d(graph.input('v', 'float32', [2, 5]), { kernel: 1 })).toThrow(/^maxPool2d: .*\n.*\n.*rank 4/);
});
