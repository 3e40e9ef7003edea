// The backbone in two models, because the classifier stands between them: from images to features, and from images and the features'
// gradient to those of the parameters. The second computes the features once more: to hand
// over what it needs is no faster (docs/architecture.md).
import {
  add,
  Graph,
  gradients,
  type Layout,
  mul,
  reshape,
  scale,
  serialize,
  sum,
  type Target,
} from '../../graph/index.js';
import {
  type DropoutMask,
  embeddingNetwork,
  isTrained,
  type ParameterSpec,
  type ParameterValues,
  TrainingBuilder,
} from '../../nn/index.js';
import { componentsOf, type Extensions } from '../extensions.js';
import type { Recipe } from '../recipe.js';
import { gradientName, gradientOutputs, hiddenEnergyTerm, type MeasureName } from '../step-graph.js';

/** Names of what goes from one model to the other. */
export const featuresName = 'features';
export const featuresGradientName = gradientName(featuresName);

export interface BackboneModels {
  /** `images` and parameters in, `features` [images, size] out. */
  readonly forward: Uint8Array;
  /** `images`, the features' gradient and parameters in; gradients, statistics and measures out. */
  readonly backward: Uint8Array;
  /** Parameters of the backbone. */
  readonly specs: readonly ParameterSpec[];
  readonly layouts: ReadonlyMap<string, Layout>;
  readonly measures: readonly MeasureName[];
  /** Inputs of both, where the network drops at random. */
  readonly masks: readonly DropoutMask[];
}

export interface BackboneOptions {
  readonly target: Target;
  readonly frozen: ParameterValues;
  readonly extensions: Extensions;
  /** Processes whose gradients are added up. */
  readonly ranks: number;
}

/** @param recipe with the images of one process in a pass. */
export function backboneModels(recipe: Recipe, { target, frozen, extensions, ranks }: BackboneOptions): BackboneModels {
  const graph = new Graph();
  const { width, height } = recipe.input;
  const { batchSize, iterSize } = recipe.solver;
  const images = graph.input('images', 'float32', [batchSize, 3, height, width]);
  const net = new TrainingBuilder(graph, { frozen });
  const features = embeddingNetwork(net, images, recipe.network, componentsOf(recipe, extensions).backbone);
  const featuresGradient = graph.input(featuresGradientName, 'float32', features.shape);
  const trained = net.specs.filter(isTrained);

  // Σ x · g has the gradient g. Each process has its own images' part of it, and a share of what all of them compute alike.
  const hidden = hiddenEnergyTerm(net, recipe);
  const through = sum(mul(features, featuresGradient));
  const loss = hidden === undefined ? through : add(through, scale(hidden, 1 / ranks));
  const grads = gradients(
    loss,
    trained.map(({ name }) => net.values.get(name)!),
  );
  const { outputs, layouts, named } = gradientOutputs(new Map(trained.map(({ name }, i) => [name, grads[i]])), net, {
    passes: iterSize,
    parts: iterSize,
    target,
  });
  const measures: MeasureName[] = [];
  if (hidden !== undefined) {
    outputs.hiddenEnergyTerm = reshape(hidden, []);
    measures.push('hiddenEnergyTerm');
  }

  return {
    forward: serialize(graph, { outputs: { [featuresName]: features }, target, layouts: named }),
    backward: serialize(graph, { outputs, target, layouts: named }),
    specs: net.specs,
    layouts,
    measures,
    masks: net.masks,
  };
}
