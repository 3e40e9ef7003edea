// Convolution: values against naive loops, gradients against central differences, any geometry and those of the backbones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  biasedConvCase,
  convCase,
  type ConvSetting,
  inputGradientCase,
  weightGradientCase,
} from '../../testing/conv-cases.js';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';
import { checkCases, describeOps, seeds } from '../../testing/op-suite.js';
import { conv2d, convInputGradient, convOutputSize, convWeightGradient, geometryOf, Graph } from '../index.js';

const upTo = (max: number) => fc.integer({ min: 1, max });
const pairOf = (max: number) => fc.tuple(upTo(max), upTo(max));
const side = fc.nat(2);

/** Any geometry that fits: kernels 1 to 3, strides and dilations 1 to 2 (3), uneven padding, groups, depthwise, batch 1 and 2. */
const settings: fc.Arbitrary<ConvSetting> = fc
  .record({
    n: upTo(2),
    groups: fc.constantFrom(1, 1, 2, 3),
    perGroup: upTo(2),
    outPerGroup: upTo(2),
    size: pairOf(7),
    kernel: pairOf(3),
    // Stride 1 without dilation is the common case, and takes a form of its own for the input gradient.
    stride: fc.oneof(fc.constant<[number, number]>([1, 1]), pairOf(3)),
    dilation: fc.oneof(fc.constant<[number, number]>([1, 1]), pairOf(2)),
    padding: fc.tuple(side, side, side, side),
    seed: seeds,
  })
  .map(({ n, groups, perGroup, outPerGroup, size, kernel, seed, ...geometry }) => ({
    x: [n, groups * perGroup, ...size],
    w: [groups * outPerGroup, perGroup, ...kernel],
    geometry: { ...geometry, groups },
    seed,
  }))
  .filter(({ x, w, geometry }) => {
    const [oh, ow] = convOutputSize([x[2], x[3]], [w[2], w[3]], geometry);
    return oh >= 1 && ow >= 1;
  });

describeOps({
  conv2d: settings.map(convCase),
  'conv2d with a bias': settings.map(biasedConvCase),
  convInputGradient: settings.map(inputGradientCase),
  convWeightGradient: settings.map(weightGradientCase),
});

describe('the geometries of the backbones', () => {
  const setting = (x: number[], w: number[], options: Parameters<typeof geometryOf>[0]): ConvSetting => ({
    x,
    w,
    geometry: geometryOf(options),
    seed: 1,
  });
  const named: Record<string, ConvSetting> = {
    'stride 2 on odd sizes, batch 1': setting([1, 3, 7, 5], [4, 3, 3, 3], { stride: 2, padding: 1 }),
    'stride 2 on even sizes: the last column is not reached': setting([2, 3, 8, 6], [4, 3, 3, 3], {
      stride: 2,
      padding: 1,
    }),
    'a residual unit': setting([2, 4, 7, 6], [4, 4, 3, 3], { padding: 1 }),
    depthwise: setting([2, 4, 7, 6], [4, 1, 3, 3], { stride: 2, padding: 1, groups: 4 }),
    'depthwise with two filters per channel': setting([1, 3, 5, 5], [6, 1, 3, 3], { padding: 1, groups: 3 }),
    'a global depthwise kernel': setting([2, 4, 4, 3], [4, 1, 4, 3], { groups: 4 }),
    'no padding': setting([1, 2, 6, 5], [3, 2, 3, 3], {}),
    'uneven padding': setting([1, 2, 5, 5], [3, 2, 3, 3], { padding: [2, 0, 1, 2] }),
    pointwise: setting([2, 4, 5, 3], [6, 4, 1, 1], {}),
    'pointwise with stride 2': setting([1, 4, 5, 4], [6, 4, 1, 1], { stride: 2 }),
    dilated: setting([1, 2, 9, 8], [3, 2, 3, 3], { dilation: 2, padding: 2 }),
    'padding wider than the kernel reaches': setting([1, 2, 4, 4], [3, 2, 1, 1], { padding: 1 }),
  };
  it.each(Object.entries(named))('%s', async (_, one) => {
    await checkCases([convCase(one), inputGradientCase(one), weightGradientCase(one)], 'cpu');
  });

  it.skipIf(!webgpuWorks)(`padding below and to the right only, ${webgpuTitle}`, async () => {
    const farSides: ConvSetting[] = [
      setting([1, 2, 3, 2], [2, 2, 1, 1], { padding: [0, 0, 1, 1] }),
      setting([1, 2, 3, 2], [2, 2, 3, 2], { padding: [0, 0, 1, 1] }),
    ];
    const cases = farSides.flatMap((one) => [convCase(one), inputGradientCase(one), weightGradientCase(one)]);
    await checkCases(cases, 'webgpu', [{ device: 'webgpu' }]);
  });

  it.skipIf(!webgpuWorks)(`channels divisible by three but not by four, ${webgpuTitle}`, async () => {
    const threes = [setting([1, 6, 3, 3], [4, 6, 2, 2], { padding: 1 }), setting([1, 9, 2, 3], [4, 9, 1, 2], {})];
    const turned = setting([1, 4, 3, 3], [6, 4, 2, 2], {});
    await checkCases([...threes.map(convCase), inputGradientCase(turned)], 'webgpu', [{ device: 'webgpu' }]);
  });
});

it('says op, both shapes and expectation where channels, groups or sizes do not fit', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3, 8, 8]);
  const w = graph.input('w', 'float32', [4, 2, 3, 3]);
  const both = String.raw`^conv2d: .*\n.*float32\[2, 3, 8, 8\], float32\[4, 2, 3, 3\]`;
  expect(() => conv2d(x, w)).toThrow(new RegExp(`${both}.*\\n.*c is 3, c / groups 2, o 4`));
  expect(() => conv2d(x, w, { groups: 2 })).toThrow(new RegExp(`${both}.*\\n.*divisible by 2 groups`));
  expect(() => conv2d(x, graph.input('big', 'float32', [4, 3, 9, 9]))).toThrow(
    /^conv2d: .*\n.*float32\[4, 3, 9, 9\]\n.*a kernel that fits/,
  );
  expect(() => conv2d(x, graph.input('flat', 'float32', [4, 3]))).toThrow(/^conv2d: .*\n.*float32\[4, 3\]\n.*rank 4/);
  const good = graph.input('good', 'float32', [4, 3, 3, 3]);
  expect(() => conv2d(x, good, { bias: graph.input('bias', 'float32', [3]) })).toThrow(/a bias of \[4\]/);
  const geometry = geometryOf({});
  expect(() => convInputGradient(x, good, [2, 3, 8, 8], geometry)).toThrow(
    /^convInputGradient: .*\n.*float32\[2, 3, 8, 8\], float32\[4, 3, 3, 3\]\n.*dy of \[2, 4, 6, 6\]/,
  );
  expect(() => convWeightGradient(x, x, [4, 3, 3, 3], geometry)).toThrow(
    /^convWeightGradient: .*\n.*\n.*dy of \[2, 4, 6, 6\]/,
  );
});
