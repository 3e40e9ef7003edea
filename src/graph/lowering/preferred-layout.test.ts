// A value kept in its preferred layout is read as it lies, and its gradient is written so; in another one it would be transposed.
import { fromBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { ModelProtoSchema } from '../onnx/onnx_pb.js';
import {
  conv2d,
  type ConvOptions,
  Graph,
  gradients,
  type Layout,
  matmul,
  preferredLayout,
  reshape,
  scale,
  serialize,
  square,
  sum,
  type TargetDevice,
} from '../index.js';

/** How many transposes a model has that keeps the weights, and gives their gradient, in a layout. */
function transposes(
  layout: Layout,
  device: TargetDevice,
  ...setting: readonly [readonly number[], readonly number[], ConvOptions]
): number {
  const { graph, outputs } = convolution(...setting);
  const layouts = { w: layout, gw: layout };
  const model = fromBinary(ModelProtoSchema, serialize(graph, { outputs, target: { device }, layouts }));
  return model.graph!.node.filter(({ opType }) => opType === 'Transpose').length;
}

/** The weights' preferred layout. */
function preferred(
  device: TargetDevice,
  ...setting: readonly [readonly number[], readonly number[], ConvOptions]
): Layout {
  return preferredLayout(convolution(...setting).weights, { device });
}

function convolution(x: readonly number[], w: readonly number[], options: ConvOptions) {
  const graph = new Graph();
  const weights = graph.input('w', 'float32', w);
  const y = conv2d(graph.input('x', 'float32', x), weights, options);
  const [gw] = gradients(sum(square(y)), [weights]);
  return { graph, weights, outputs: { y, gw } };
}

it.each([
  ['transformed', [2, 16, 6, 6], [32, 16, 3, 3], { padding: 1 }],
  ['of one pixel, transformed', [2, 16, 6, 6], [16, 16, 1, 1], {}],
  ['unrolled', [2, 3, 6, 6], [16, 3, 3, 3], { padding: 1, stride: 2 }],
] as const)('weights of a convolution that is %s on the CPU lie [h, w, in, out]', (_, x, w, options) => {
  expect(preferred('cpu', x, w, options)).toBe('hwio');
  expect(transposes('standard', 'cpu', x, w, options) - transposes('hwio', 'cpu', x, w, options)).toBe(2);
});

it.each([
  ['a depthwise convolution', 'cpu', [2, 16, 6, 6], [16, 1, 3, 3], { padding: 1, groups: 16 }],
  ['a convolution in groups', 'cpu', [2, 32, 6, 6], [32, 16, 3, 3], { padding: 1, groups: 2 }],
  ['a convolution to few channels', 'cpu', [2, 16, 6, 6], [8, 16, 3, 3], { padding: 1 }],
  ['a dilated convolution', 'cpu', [2, 16, 6, 6], [16, 16, 3, 3], { dilation: 2 }],
  ['a convolution on CUDA', 'cuda', [2, 16, 6, 6], [16, 16, 3, 3], { padding: 1 }],
  ['a convolution on WebGPU', 'webgpu', [2, 16, 6, 6], [16, 16, 3, 3], { padding: 1 }],
  ['a convolution in a file', 'portable', [2, 16, 6, 6], [16, 16, 3, 3], { padding: 1 }],
] as const)('weights of %s lie in the standard order', (_, device, x, w, options) => {
  expect(preferred(device, x, w, options)).toBe('standard');
  expect(transposes('hwio', device, x, w, options) - transposes('standard', device, x, w, options)).toBe(2);
});

it('is asked of all readers: one that takes a value as it lies does not decide', () => {
  const { graph, weights } = convolution([2, 16, 6, 6], [16, 16, 3, 3], {});
  const pictures = graph.inputs.find(({ inputName }) => inputName === 'x')!;
  expect(preferredLayout(pictures, { device: 'cpu' })).toBe('hwnc');
  const shared = graph.input('shared', 'float32', [16, 16, 3, 3]);
  scale(shared, 2);
  matmul(reshape(shared, [16, 144]), reshape(weights, [144, 16]));
  expect(preferredLayout(shared, { device: 'cpu' })).toBe('standard');
  conv2d(pictures, shared);
  expect(preferredLayout(shared, { device: 'cpu' })).toBe('hwio');
});
