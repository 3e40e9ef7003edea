// The graph of one training step: images, labels, parameters and scheduled scalars in; loss terms, measures, gradients and their norms,
// and new statistics out.
import {
  add,
  Graph,
  gradients,
  greaterEqual,
  type Layout,
  mean,
  norm,
  pickLabel,
  portable,
  preferredLayout,
  reduceMax,
  reshape,
  scale,
  serialize,
  type Target,
  type Value,
} from '../graph/index.js';
import { filterEnergy, rowNorms, type ScheduledScalar } from '../losses/index.js';
import {
  type DropoutMask,
  embeddingNetwork,
  isTrained,
  type ParameterSpec,
  type ParameterValues,
  TrainingBuilder,
} from '../nn/index.js';
import { componentsOf, type Extensions } from './extensions.js';
import { classifier, classifierName } from './network.js';
import type { Recipe } from './recipe.js';

/** A step as an ONNX model, and what it takes and gives besides images and labels. */
export interface StepModel {
  readonly model: Uint8Array;
  /** All parameters, in the order of the network. Those that are not frozen are inputs under their names. */
  readonly specs: readonly ParameterSpec[];
  /** Single numbers that it takes, by their names. */
  readonly scalars: readonly ScheduledScalar[];
  /** Random factors that each pass takes, by their names. */
  readonly masks: readonly DropoutMask[];
  /** Layouts in which it takes parameters and gives their gradients, where not the standard one. */
  readonly layouts: ReadonlyMap<string, Layout>;
  /** Names of the single numbers it gives; see {@link measureNames}. */
  readonly measures: readonly MeasureName[];
}

/** The single numbers that a step can give. */
export const measureNames = [
  /** Everything that is minimised. */
  'loss',
  /** The classification loss. */
  'classification',
  /** The energy term with its weight, and the energy and weight by themselves. */
  'energyTerm',
  'energy',
  'energyWeight',
  /** The hidden layers' term with its weight. */
  'hiddenEnergyTerm',
  /** Share of the batch whose own classifier scores highest. */
  'accuracy',
  /** Mean length of the embeddings. */
  'featureNorm',
  /** Norms of the gradients on the classifier: the classification loss's and, weighted, the energy's. */
  'classificationGradient',
  'energyGradient',
] as const;
export type MeasureName = (typeof measureNames)[number];

/** The name of a gradient's output. */
export function gradientName(parameter: string): string {
  return `gradient:${parameter}`;
}

/** The name of the output with a gradient's norm. */
export function gradientNormName(parameter: string): string {
  return `norm:${parameter}`;
}

/** The name of the input to which a pass adds its share of the gradient; there is one where a step takes several passes. */
export function earlierGradientName(parameter: string): string {
  return `earlier:${parameter}`;
}

/** The name of the output with what a pass makes of a statistic. */
export function statisticName(parameter: string): string {
  return `statistic:${parameter}`;
}

export interface StepOptions {
  /** The device that it is made for. Default: any. */
  readonly target?: Target;
  /** Values of frozen parameters that do not start at their fillers. */
  readonly frozen?: ParameterValues;
  /** What the recipe may name besides the margins, energies and backbones of this package. */
  readonly extensions?: Extensions;
}

/**
 * Builds the step for a recipe and a number of identities. Inputs `images` [batch, 3, h, w], `labels` int64 [batch], parameters, and the
 * margin's scalars. Where a step takes several passes, each adds its share of the gradient to the earlier ones', which may lie in the
 * very buffers that the gradients go to; and each starts from the statistics that the one before gave.
 */
export function buildStep(
  recipe: Recipe,
  identities: number,
  { target = portable, frozen = new Map(), extensions = {} }: StepOptions = {},
): StepModel {
  const graph = new Graph();
  const { margin, energy, backbone } = componentsOf(recipe, extensions);
  const { hiddenEnergy } = recipe.loss;
  const batch = recipe.solver.batchSize;
  const images = graph.input('images', 'float32', [batch, 3, recipe.input.height, recipe.input.width]);
  const labels = graph.input('labels', 'int64', [batch]);
  const scalars = margin.scalars?.(recipe.loss.margin) ?? [];
  const taken = Object.fromEntries(scalars.map(({ name }) => [name, graph.input(name, 'float32', [])]));

  const net = new TrainingBuilder(graph, frozen);
  const features = embeddingNetwork(net, images, recipe.network, backbone);
  const { weight, ofMargin } = classifier(net, recipe, identities, margin);
  const { specs } = net;
  const inputs = { features, classifier: weight, labels, scalars: taken, parameters: ofMargin };
  const classification = margin.build(inputs, recipe.loss.margin);

  const measures = new Map<MeasureName, Value>([
    ['classification', classification.loss],
    ['accuracy', nearestIsOwn(classification.scores, labels)],
    ['featureNorm', mean(rowNorms(features))],
  ]);
  let backboneLoss = classification.loss;
  if (hiddenEnergy !== null) {
    const filters = specs.filter(({ role }) => role === 'filters').map(({ name }) => net.values.get(name)!);
    const term = filterEnergy(filters, hiddenEnergy);
    measures.set('hiddenEnergyTerm', term);
    backboneLoss = add(backboneLoss, term);
  }

  const trained = specs.filter(isTrained);
  const grads = new Map<string, Value>();
  const parameters = trained.map(({ name }) => net.values.get(name)!);
  gradients(backboneLoss, parameters).forEach((grad, i) => grads.set(trained[i].name, grad));
  const classificationGradient = grads.get(classifierName)!;
  measures.set('classificationGradient', norm(classificationGradient));

  let loss = backboneLoss;
  if (energy !== undefined && recipe.loss.energy !== null) {
    const built = energy.build({ classifier: weight, labels, classificationGradient }, recipe.loss.energy);
    measures.set('energy', built.energy).set('energyTerm', built.term).set('energyWeight', built.weight);
    measures.set('energyGradient', norm(built.gradient));
    grads.set(classifierName, add(classificationGradient, built.gradient));
    loss = add(loss, built.term);
  }
  measures.set('loss', loss);

  const outputs: Record<string, Value> = {};
  for (const [name, value] of measures) outputs[name] = reshape(value, []);
  const passes = recipe.solver.iterSize;
  // In the order in which the backward pass comes by them: the runtime computes them in this one, and drops what only they need.
  for (const [name, grad] of [...grads].sort(([, a], [, b]) => a.id - b.id)) {
    const total =
      passes === 1 ? grad : add(scale(grad, 1 / passes), graph.input(earlierGradientName(name), 'float32', grad.shape));
    outputs[gradientName(name)] = total;
    outputs[gradientNormName(name)] = norm(total);
  }
  for (const [name, value] of net.statistics) outputs[statisticName(name)] = value;
  // Kept as the model reads them, parameters need no transposing at every step, nor do their gradients.
  const layouts = new Map(
    trained
      .map(({ name }) => [name, preferredLayout(net.values.get(name)!, target)] as const)
      .filter(([, layout]) => layout !== 'standard'),
  );
  const named = Object.fromEntries(
    [...layouts].flatMap(([name, layout]) => [
      [name, layout],
      [gradientName(name), layout],
      [earlierGradientName(name), layout],
    ]),
  );
  const model = serialize(graph, { outputs, target, layouts: named });
  return { model, specs, scalars, masks: net.masks, layouts, measures: [...measures.keys()] };
}

function nearestIsOwn(scores: Value, labels: Value): Value {
  return mean(greaterEqual(pickLabel(scores, labels), reduceMax(scores, { axes: [1] })));
}
