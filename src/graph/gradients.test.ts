// What reverse mode emits and shares. That its numbers are right is the business of every op's own test.
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it, vi } from 'vitest';
import { fromValues, uniform } from '../testing/nd-array.js';
import { evaluate } from '../testing/op-suite.js';
import {
  add,
  conv2d,
  exp,
  gather,
  Graph,
  gradients,
  matmul,
  maxPool2d,
  mean,
  mul,
  prelu,
  relu,
  scale,
  serialize,
  softmax,
  square,
  stopGradient,
  sum,
  tanh,
  type Value,
} from './index.js';
import { ModelProtoSchema } from './onnx/onnx_pb.js';

/** The ONNX operators of a model, counted. */
function operators(graph: Graph, outputs: Record<string, Value>): Record<string, number> {
  const model = fromBinary(ModelProtoSchema, serialize(graph, { outputs }));
  const counts: Record<string, number> = {};
  for (const { opType } of model.graph!.node) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

describe('common subexpressions', () => {
  it('are one node: equal ops on equal inputs with equal attributes', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    expect(exp(x)).toBe(exp(x));
    expect(softmax(x, 1)).toBe(softmax(x, -1));
    expect(sum(x, { axes: [0] })).not.toBe(sum(x, { axes: [1] }));
    expect(mul(x, graph.scalar(2))).toBe(scale(x, 2));
    expect(scale(x, Number.POSITIVE_INFINITY)).not.toBe(scale(x, Number.NaN));
  });

  it('are emitted once, also between the forward and the backward pass', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [3]);
    const y = exp(tanh(x));
    const [g] = gradients(sum(mul(y, exp(tanh(x)))), [x]);
    expect(operators(graph, { g })).toMatchObject({ Exp: 1, Tanh: 1 });
  });

  it('of two gradients of one loss are shared', () => {
    const graph = new Graph();
    const [x, a, b] = [
      graph.input('x', 'float32', [2, 4]),
      graph.input('a', 'float32', [4, 4]),
      graph.input('b', 'float32', [4, 3]),
    ];
    const loss = sum(square(matmul(tanh(matmul(x, a)), b)));
    const together = operators(graph, Object.fromEntries(gradients(loss, [a, b]).map((g, i) => [`g${i}`, g])));
    const again = operators(graph, { g0: gradients(loss, [a])[0], g1: gradients(loss, [b])[0] });
    expect(again).toEqual(together);
    // Two products forward, one each for dA and dB, and one for the gradient of the hidden layer; products with a transpose are Gemm.
    expect((together.MatMul ?? 0) + (together.Gemm ?? 0)).toBe(5);
  });
});

describe('nothing is emitted that no parameter needs', () => {
  it('no gradient of the images, and none of frozen layers before the first trained one', () => {
    const graph = new Graph();
    const images = graph.input('images', 'float32', [2, 3, 9, 7]);
    const weights = ['w1', 'w2', 'w3'].map((name, i) => graph.input(name, 'float32', [4, i === 0 ? 3 : 4, 3, 3]));
    const y = weights.reduce((x, w) => relu(conv2d(x, w, { padding: 1 })), images);
    const loss = mean(square(y));
    const last = opsApplied(graph, () => gradients(loss, [weights[2]]));
    const all = opsApplied(graph, () => gradients(loss, weights));
    const count = (ops: readonly string[], name: string) => ops.filter((op) => op === name).length;
    expect(count(all, 'convWeightGradient')).toBe(3);
    expect(count(all, 'convInputGradient')).toBe(2);
    expect(count(last, 'convWeightGradient')).toBe(1);
    expect(last).not.toContain('convInputGradient');
  });

  it('no gradient through stop-gradient, labels or comparisons', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [4, 2]);
    const labels = graph.input('labels', 'int64', [4]);
    const loss = sum(mul(stopGradient(exp(x)), gather(x, labels)));
    const [g] = gradients(loss, [x]);
    expect(visitedOps([g]).filter((op) => op === 'exp')).toHaveLength(1);
    expect(visitedOps([g])).toContain('scatterAdd');
  });

  it('no positions of maxima, and no branch that leads to no output', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1, 2, 4, 4]);
    const y = maxPool2d(relu(x), { kernel: 2 });
    exp(y);
    gradients(sum(exp(y)), [x]);
    const model = fromBinary(ModelProtoSchema, serialize(graph, { outputs: { y } }));
    expect(model.graph!.node.map(({ opType, output }) => [opType, output.length])).toEqual([
      ['Relu', 1],
      ['MaxPool', 1],
    ]);
    expect(model.graph!.initializer).toEqual([]);
  });
});

/** Names of the ops that a function adds to a graph, whether or not something reads their results. */
function opsApplied(graph: Graph, build: () => void): string[] {
  const apply = vi.spyOn(graph, 'apply');
  build();
  const names = apply.mock.calls.map(([op]) => op.name);
  apply.mockRestore();
  return names;
}

/** Names of all ops that the values need. */
function visitedOps(values: readonly Value[]): string[] {
  const seen = new Set<unknown>();
  const names: string[] = [];
  const open = [...values];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const node = value.producer;
    if (node === undefined || seen.has(node)) continue;
    seen.add(node);
    names.push(node.op.name);
    open.push(...node.inputs);
  }
  return names;
}

describe('gradients', () => {
  it('of a value used several times add up', async () => {
    const { g } = await evaluate({ x: fromValues([2], [2, -3]) }, ({ x }) => ({
      g: gradients(sum(add(mul(x, x), scale(x, 3))), [x])[0],
    }));
    expect(Array.from(g.data)).toEqual([7, -3]);
  });

  it('are zeros where the loss does not depend on the parameter', async () => {
    const { g, h } = await evaluate({ x: uniform([2], 1), y: uniform([3], 2) }, ({ x, y }) => {
      const [ofX, ofY] = gradients(sum(mul(x, x)), [x, y]);
      return { g: ofX, h: ofY };
    });
    expect(g.data.every((value) => value !== 0)).toBe(true);
    expect(Array.from(h.data)).toEqual([0, 0, 0]);
  });

  it('of the loss itself and of intermediate values are there too', async () => {
    const { one, inner } = await evaluate({ x: fromValues([2], [0.5, 1]) }, ({ x }) => {
      const y = square(x);
      const loss = sum(exp(y));
      const [ofLoss, ofY] = gradients(loss, [loss, y]);
      return { one: ofLoss, inner: ofY };
    });
    expect(Array.from(one.data)).toEqual([1]);
    expect(inner.data[0]).toBeCloseTo(Math.exp(0.25), 6);
    expect(inner.data[1]).toBeCloseTo(Math.E, 6);
  });

  it('can be differentiated again', async () => {
    const x = fromValues([3], [-1, 0.5, 2]);
    const { second } = await evaluate({ x }, (inputs) => {
      const [first] = gradients(sum(mul(square(inputs.x), inputs.x)), [inputs.x]);
      return { second: gradients(sum(first), [inputs.x])[0] };
    });
    second.data.forEach((value, i) => expect(value).toBeCloseTo(6 * x.data[i], 5));
  });

  it('through a convolution can be differentiated again: the second derivative of a quadratic form is itself', async () => {
    const inputs = { x: uniform([1, 2, 4, 4], 3), w: uniform([2, 2, 3, 3], 4), slope: fromValues([2], [1, 1]) };
    const { first, direction } = await evaluate(inputs, ({ x, w, slope }) => {
      const loss = scale(sum(square(prelu(conv2d(x, w, { padding: 1 }), slope))), 0.5);
      const [g] = gradients(loss, [w]);
      // Euler: for a function of degree 2 in w, H w = g.
      return { first: g, direction: gradients(sum(mul(g, stopGradient(w))), [w])[0] };
    });
    direction.data.forEach((value, i) => expect(value).toBeCloseTo(first.data[i], 3));
  });

  it('need a single number', () => {
    const x = new Graph().input('x', 'float32', [2]);
    expect(() => gradients(x, [x])).toThrow(
      /^gradients: .*\n {2}got: float32\[2\]\n {2}expected: .*one element\n {2}next: reduce/,
    );
  });
});
