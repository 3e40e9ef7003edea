// The published parameter counts and the published initialisation of the sfnet family.
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { Graph } from '../../graph/index.js';
import { countParameters, initialize, TrainingBuilder } from '../parameters.js';
import { sfnet, type SfnetDepth, type SfnetOptions } from './sfnet.js';

function build(depth: SfnetDepth, options: SfnetOptions = {}): TrainingBuilder {
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  const embedding = sfnet(net, graph.input('images', 'float32', [2, 3, 112, 96]), { ...options, depth });
  expect(embedding.shape).toEqual([2, 512]);
  return net;
}

describe('sfnet', () => {
  it.each([
    [4, 12.56],
    [10, 15.22],
    [20, 22.67],
    [36, 32.78],
    [64, 48.2],
  ] as const)('of depth %i has %f million parameters', (depth, millions) => {
    expect(countParameters(build(depth).specs) / 1e6).toBeCloseTo(millions, 2);
  });

  it('starts stage heads by xavier, residual units by a Gaussian, and freezes the biases of the latter', () => {
    const net = build(20);
    const values = initialize(net.specs, new Random(1));
    const spread = (name: string): number =>
      Math.sqrt(values.get(name)!.reduce((sum, w) => sum + w * w, 0) / values.get(name)!.length);
    expect(spread('conv4_2.weight')).toBeCloseTo(0.01, 3);
    // Uniform over ±b has standard deviation b / sqrt(3) = 1 / sqrt(fan-in).
    expect(spread('conv4_1.weight') * Math.sqrt(256 * 9)).toBeCloseTo(1, 2);
    expect(net.trained.map((spec) => spec.name)).not.toContain('conv4_2.bias');
    expect(net.trained.map((spec) => spec.name)).toContain('conv4_1.bias');
  });

  it('has batch normalisation in place of biases', () => {
    const { specs, statistics } = build(10, { batchNorm: true });
    expect(specs.filter(({ name }) => name.endsWith('.bias'))).toEqual([]);
    // Ten convolutions and the last layer, with a mean and a variance each.
    expect(statistics.size).toBe(22);
  });

  it('has squeeze and excitation in each residual unit, and drops values before its last layer', () => {
    const { specs, masks } = build(10, { squeeze: 16, dropout: 0.4 });
    const shapes = specs.filter(({ name }) => /^unit.*weight$/.test(name)).map(({ name, shape }) => [name, shape]);
    expect(shapes).toEqual(
      [
        ['2_1', 128],
        ['3_1', 256],
        ['3_2', 256],
      ].flatMap(([unit, channels]) => [
        [`unit${unit}.squeeze.weight`, [Number(channels) / 16, channels, 1, 1]],
        [`unit${unit}.excite.weight`, [channels, Number(channels) / 16, 1, 1]],
      ]),
    );
    expect(masks).toEqual([{ name: 'dropout:0', shape: [2, 512, 7, 6], ratio: 0.4 }]);
  });
});
