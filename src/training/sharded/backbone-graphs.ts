// The backbone in two models, because the classifier stands between them: from images to features, and from the features' gradient to those
// of the parameters. What the second needs of the first is kept, so that nothing is computed twice.
import {
  add,
  computedLayouts,
  Graph,
  gradients,
  type Layout,
  mul,
  reshape,
  scale,
  serialize,
  shapeIn,
  sum,
  type Target,
  type Value,
  valuesBetween,
} from '../../graph/index.js';
import {
  embeddingNetwork,
  isTrained,
  type ParameterSpec,
  type ParameterValues,
  TrainingBuilder,
} from '../../nn/index.js';
import type { Extensions } from '../extensions.js';
import type { Recipe } from '../recipe.js';
import { gradientName, gradientOutputs, hiddenEnergyTerm, type MeasureName } from '../step-graph.js';

/** Names of what goes from one model to the other, besides what is kept. */
export const featuresName = 'features';
export const featuresGradientName = gradientName(featuresName);

export interface BackboneModels {
  /** `images` and parameters in; `features` [images, size] and what is kept out. */
  readonly forward: Uint8Array;
  /** The features' gradient, what was kept, parameters and (where nothing is kept) `images` in; gradients, statistics and measures out. */
  readonly backward: Uint8Array;
  /** Parameters of the backbone. */
  readonly specs: readonly ParameterSpec[];
  readonly layouts: ReadonlyMap<string, Layout>;
  /** What the second model takes over from the first, with the shape in which it lies in memory. */
  readonly kept: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly measures: readonly MeasureName[];
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
  const net = new TrainingBuilder(graph, frozen);
  const features = embeddingNetwork(net, images, recipe.network, extensions.backbones);
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

  // On other devices than the CPU what is kept would travel through its memory and back: there the features are computed again.
  const between = target.device === 'cpu' ? valuesBetween([features], Object.values(outputs)) : [];
  const lying = computedLayouts(between, target);
  const kept = Object.fromEntries(between.map((value) => [keptName(value), value]));
  const all = { ...named, ...Object.fromEntries(between.map((value) => [keptName(value), lying.get(value)!])) };
  return {
    forward: serialize(graph, { outputs: { [featuresName]: features, ...kept }, target, layouts: all }),
    backward: serialize(graph, { outputs, given: kept, target, layouts: all }),
    specs: net.specs,
    layouts,
    kept: Object.entries(kept).map(([name, value]) => {
      const layout = lying.get(value)!;
      return { name, shape: layout === 'standard' ? value.shape : shapeIn(layout, value.shape) };
    }),
    measures,
  };
}

function keptName(value: Value): string {
  return `kept:${value.id}`;
}
