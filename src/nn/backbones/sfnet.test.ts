// The published parameter counts and the published initialisation of the sfnet family.
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { Graph } from '../../graph/index.js';
import { countParameters, initialize, TrainingBuilder } from '../parameters.js';
import { sfnet, type SfnetDepth } from './sfnet.js';

function build(depth: SfnetDepth): TrainingBuilder {
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  const embedding = sfnet(net, graph.input('images', 'float32', [2, 3, 112, 96]), { depth });
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
});
