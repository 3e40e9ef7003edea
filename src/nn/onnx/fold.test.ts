// Nodes that are computed while a network is read: every rule gives the numbers that ONNX Runtime computes on the original model.
import { expect, it } from 'vitest';
import { Graph, serialize } from '../../graph/index.js';
import type { ParsedModel } from '../../graph/onnx/index.js';
import { float32, float32Data, Session } from '../../runtime/index.js';
import {
  encodeModel,
  hashedTensor,
  int64s,
  testModel,
  type TestNode,
  type TestTensor,
} from '../../testing/onnx-model.js';
import { TrainingBuilder } from '../parameters.js';
import { foldable } from './fold.js';
import { onnxNetwork } from './read.js';

/** Nodes that make `k` of stored data: integers and single numbers, which are known at once. */
interface FoldCase {
  readonly nodes: readonly TestNode[];
  readonly stored?: Readonly<Record<string, TestTensor>>;
  readonly opset?: number;
}

const node = (op: string, inputs: readonly string[], attributes: TestNode['attributes'] = {}): TestNode => ({
  op,
  inputs,
  outputs: ['k'],
  attributes,
});
const number = (value: number): TestTensor => ({ shape: [1], data: Float32Array.of(value) });
const table = (shape: readonly number[], ...numbers: number[]): TestTensor => ({ ...int64s(...numbers), shape });

const a = int64s(7, -3, 0);
const b = int64s(2, 5, 1);
const grid = table([2, 3], 4, -1, 7, 2, 9, -5);
const axes = (...numbers: number[]) => int64s(...numbers);

const pair = (op: string): FoldCase => ({ nodes: [node(op, ['a', 'b'])], stored: { a, b } });
const single = (op: string, value: number): FoldCase => ({ nodes: [node(op, ['x'])], stored: { x: number(value) } });
const truths = (op: string): FoldCase => ({
  nodes: [
    { op: 'Greater', inputs: ['a', 'b'], outputs: ['p'] },
    { op: 'Less', inputs: ['a', 'c'], outputs: ['q'] },
    node(op, op === 'Not' ? ['p'] : ['p', 'q']),
  ],
  stored: { a, b, c: int64s(8, -4, 1) },
});
const reductions = ['ReduceProd', 'ReduceSum', 'ReduceMax', 'ReduceMin'].flatMap((op): FoldCase[] => [
  { nodes: [node(op, ['grid'])], stored: { grid }, opset: 12 },
  { nodes: [node(op, ['grid'], { axes: [-1], keepdims: 0 })], stored: { grid }, opset: 12 },
  { nodes: [node(op, ['grid', 'axes'])], stored: { grid, axes: axes(0) }, opset: 18 },
  { nodes: [node(op, ['grid'], { noop_with_empty_axes: 1 })], stored: { grid }, opset: 18 },
]);

const cases: readonly FoldCase[] = [
  ...['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Min', 'Max', 'Equal', 'Greater', 'Less', 'Concat'].map((op): FoldCase =>
    op === 'Concat' ? { nodes: [node(op, ['a', 'b'], { axis: 0 })], stored: { a, b } } : pair(op),
  ),
  { nodes: [node('Div', ['x', 'y'])], stored: { x: number(7), y: number(2) } },
  { nodes: [node('Add', ['grid', 'a'])], stored: { grid, a } },
  { nodes: [node('Concat', ['grid', 'grid'], { axis: 1 })], stored: { grid } },
  { nodes: [node('Pow', ['a', 'b'])], stored: { a, b } },
  ...[single('Neg', 1.5), single('Abs', -1.5), single('Sqrt', 2), single('Exp', 0.5), single('Log', 3)],
  ...[single('Reciprocal', 4), single('Floor', -1.5), single('Ceil', -1.5), single('Identity', 2.5)],
  ...['Not', 'And', 'Or'].map(truths),
  {
    nodes: [{ op: 'Greater', inputs: ['a', 'b'], outputs: ['p'] }, node('Where', ['p', 'a', 'b'])],
    stored: { a, b },
  },
  { nodes: [node('Cast', ['x'], { to: 7 })], stored: { x: number(-2.7) } },
  { nodes: [node('Shape', ['grid'])], stored: { grid } },
  { nodes: [node('Shape', ['grid'], { start: 1, end: 2 })], stored: { grid }, opset: 15 },
  { nodes: [node('Size', ['grid'])], stored: { grid } },
  { nodes: [node('Gather', ['grid', 'i'], { axis: 1 })], stored: { grid, i: int64s(2, -3) } },
  { nodes: [node('Gather', ['grid', 'i'])], stored: { grid, i: table([1, 2], 1, 0) } },
  {
    nodes: [node('Slice', ['grid', 's', 'e', 'x', 't'])],
    stored: { grid, s: int64s(-3, 0), e: int64s(2 ** 31, 1), x: int64s(1, 0), t: int64s(2, 1) },
  },
  { nodes: [node('Unsqueeze', ['a', 'x'])], stored: { a, x: axes(0) } },
  { nodes: [node('Squeeze', ['g', 'x'])], stored: { g: table([1, 3, 1], 4, 5, 6), x: axes(-1) } },
  { nodes: [node('Reshape', ['grid', 's'])], stored: { grid, s: int64s(0, -1, 1) } },
  { nodes: [node('Transpose', ['grid'])], stored: { grid } },
  { nodes: [node('Transpose', ['g'], { perm: [2, 0, 1] })], stored: { g: table([1, 2, 3], 1, 2, 3, 4, 5, 6) } },
  { nodes: [node('Flatten', ['grid'])], stored: { grid } },
  { nodes: [node('Flatten', ['grid'], { axis: 0 })], stored: { grid } },
  {
    nodes: [node('Range', ['from', 'to', 'by'])],
    stored: { from: table([], 7), to: table([], -2), by: table([], -3) },
  },
  ...reductions,
  { nodes: [node('Expand', ['a', 's'])], stored: { a, s: int64s(2, 1) } },
  { nodes: [node('Tile', ['grid', 's'])], stored: { grid, s: int64s(2, 2) } },
  { nodes: [node('ConstantOfShape', ['s'])], stored: { s: int64s(2, 2) } },
];

const titleOf = ({ nodes, opset = 13 }: FoldCase): string =>
  `${nodes.at(-1)!.op}, opset ${opset} ${JSON.stringify(nodes.at(-1)!.attributes)}`;

/** A model of one learned layer, with k and its shape beside the features. */
function modelOf({ nodes, stored = {}, opset = 13 }: FoldCase): ParsedModel {
  return testModel({
    opset,
    images: [1, 3, 1, 2],
    nodes: [
      { op: 'Conv', inputs: ['images', 'w'], outputs: ['features'] },
      { op: 'Flatten', inputs: ['features'], outputs: ['flat'] },
      ...nodes,
      { op: 'Cast', inputs: ['k'], outputs: ['numbers'], attributes: { to: 1 } },
      { op: 'Reshape', inputs: ['numbers', 'row'], outputs: ['beside'] },
      { op: 'Shape', inputs: ['k'], outputs: ['shape'] },
      { op: 'Cast', inputs: ['shape'], outputs: ['sizes'], attributes: { to: 1 } },
      { op: 'Reshape', inputs: ['sizes', 'row'], outputs: ['its shape'] },
      { op: 'Concat', inputs: ['flat', 'beside', 'its shape'], outputs: ['embedding'], attributes: { axis: 1 } },
    ],
    initializers: { ...stored, w: hashedTensor([2, 3, 1, 1], 3), row: int64s(1, -1) },
    outputs: ['embedding'],
  }) as ParsedModel;
}

const images = float32(Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), [1, 3, 1, 2]);

it('every foldable operator has a case', () => {
  const tested = new Set(cases.map(({ nodes }) => nodes.at(-1)!.op));
  expect([...foldable].filter((op) => !tested.has(op))).toEqual([]);
});

it.each(cases.map((one) => [titleOf(one), one] as const))('%s', async (_, one) => {
  const model = modelOf(one);
  await using original = await Session.create(encodeModel(model), { device: 'cpu', threads: 1 });
  const { embedding: expected } = await original.run({ images });

  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  const embedding = onnxNetwork(net, graph.input('images', 'float32', images.dims), model);
  expect(net.specs.map(({ name }) => name)).toEqual(['w']);
  await using read = await Session.create(serialize(graph, { outputs: { embedding } }), { device: 'cpu', threads: 1 });
  const w = hashedTensor([2, 3, 1, 1], 3).data as Float32Array;
  const { embedding: actual } = await read.run({ images, w: float32(w, [2, 3, 1, 1]) });
  expect(actual.dims).toEqual(expected.dims);
  // Whole numbers are exact; a root or a logarithm is computed in float64 here and rounded once.
  float32Data(expected).forEach((value, i) => expect(float32Data(actual)[i]).toBeCloseTo(value, 5));
});
