// The graph of one training step: images, labels, parameters and scheduled scalars in; loss terms, measures, gradients and new
// statistics out.
import {
  add,
  type FormChoice,
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
  type NetworkBuilder,
  type ParameterSpec,
  type ParameterValues,
  TrainingBuilder,
} from '../nn/index.js';
import { componentsOf, type Extensions } from './extensions.js';
import { lossScaleName } from './loss-scaling.js';
import { classifier, classifierName, classifierSpecs } from './network.js';
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
  /** Processes whose gradients are added up: each gives its part of the mean. Default 1. */
  readonly ranks?: number;
  /** Forms that were found to be faster on the target than those taken otherwise. */
  readonly choose?: FormChoice;
  /** Whether the energy of the classifier is left out, because it is computed elsewhere (classifier-energy.ts). Default false. */
  readonly energyApart?: boolean;
}

/**
 * Builds the step for a recipe and a number of identities. Inputs `images` [batch, 3, h, w], `labels` int64 [batch], parameters, and the
 * margin's scalars. Where a step takes several passes, each adds its share of the gradient to the earlier ones', which may lie in the
 * very buffers that the gradients go to; and each starts from the statistics that the one before gave.
 */
export function buildStep(
  recipe: Recipe,
  identities: number,
  { target = portable, frozen = new Map(), extensions = {}, ranks = 1, energyApart = false, choose }: StepOptions = {},
): StepModel {
  const graph = new Graph();
  const batch = recipe.solver.batchSize;
  const images = graph.input('images', 'float32', [batch, 3, recipe.input.height, recipe.input.width]);
  const labels = graph.input('labels', 'int64', [batch]);
  const values = stepValues(graph, { images, labels }, recipe, identities, { frozen, extensions, energyApart });
  const { net, scalars, measures } = values;
  const { iterSize: passes } = recipe.solver;
  const { outputs, layouts, named } = gradientOutputs(values.gradients, net, { passes, parts: passes * ranks, target });
  for (const [name, value] of measures) outputs[name] = reshape(value, []);
  const model = serialize(graph, { outputs, target, layouts: named, choose });
  return { model, specs: net.specs, scalars, masks: net.masks, layouts, measures: [...measures.keys()] };
}

/** What a pass over some images computes, as values of a graph. */
export interface StepValues {
  readonly net: TrainingBuilder;
  /** Single numbers that the pass takes as inputs, by their names. */
  readonly scalars: readonly ScheduledScalar[];
  /** Of one element each. */
  readonly measures: ReadonlyMap<MeasureName, Value>;
  /** Of the trained parameters, by their names. */
  readonly gradients: ReadonlyMap<string, Value>;
}

/**
 * The forward and the backward pass. Parameters become inputs of the graph, and so do the margin's scalars.
 * @param inputs images, float32 [batch, 3, h, w], and labels, int64 or int32 [batch].
 */
export function stepValues(
  graph: Graph,
  { images, labels }: { readonly images: Value; readonly labels: Value },
  recipe: Recipe,
  identities: number,
  {
    frozen = new Map(),
    extensions = {},
    energyApart = false,
  }: Pick<StepOptions, 'frozen' | 'extensions' | 'energyApart'>,
): StepValues {
  const { margin, energy, backbone } = componentsOf(recipe, extensions);
  const scalars = margin.scalars?.(recipe.loss.margin) ?? [];
  const taken = Object.fromEntries(scalars.map(({ name }) => [name, graph.input(name, 'float32', [])]));

  const net = new TrainingBuilder(graph, { frozen, lossScale: lossScaleOf(graph, recipe) });
  const features = net.features(embeddingNetwork(net, images, recipe.network, backbone));
  const { weight, ofMargin } = classifier(net, classifierSpecs(recipe, identities, margin));
  const inputs = { features, classifier: weight, labels, scalars: taken, parameters: ofMargin };
  const classification = margin.build(inputs, recipe.loss.margin);

  const measures = new Map<MeasureName, Value>([
    ['classification', classification.loss],
    ['accuracy', nearestIsOwn(classification.scores, labels)],
    ['featureNorm', mean(rowNorms(features))],
  ]);
  let backboneLoss = classification.loss;
  const hidden = hiddenEnergyTerm(net, recipe);
  if (hidden !== undefined) {
    measures.set('hiddenEnergyTerm', hidden);
    backboneLoss = add(backboneLoss, hidden);
  }

  const { trained } = net;
  const grads = new Map<string, Value>();
  const parameters = trained.map(({ name }) => net.values.get(name)!);
  gradients(backboneLoss, parameters).forEach((grad, i) => grads.set(trained[i].name, grad));
  const classificationGradient = grads.get(classifierName)!;
  if (!energyApart) measures.set('classificationGradient', norm(classificationGradient));

  let loss = backboneLoss;
  if (energy !== undefined && recipe.loss.energy !== null && !energyApart) {
    const built = energy.build({ classifier: weight, labels, classificationGradient }, recipe.loss.energy);
    measures.set('energy', built.energy).set('energyTerm', built.term).set('energyWeight', built.weight);
    measures.set('energyGradient', norm(built.gradient));
    grads.set(classifierName, add(classificationGradient, built.gradient));
    loss = add(loss, built.term);
  }
  measures.set('loss', loss);
  return { net, scalars, measures, gradients: grads };
}

/** The loss scale as an input, where a recipe computes in half precision. */
function lossScaleOf(graph: Graph, { solver: { precision } }: Recipe): Value | undefined {
  switch (precision) {
    case 'float32':
      return undefined;
    case 'float16':
      return graph.input(lossScaleName, 'float32', []);
    default:
      return precision satisfies never;
  }
}

/** The energy of the hidden filters, if the recipe has one, with its weight. */
export function hiddenEnergyTerm(net: NetworkBuilder, recipe: Recipe): Value | undefined {
  const { hiddenEnergy } = recipe.loss;
  if (hiddenEnergy === null) return undefined;
  const filters = net.specs.filter(({ role }) => role === 'filters').map(({ name }) => net.values.get(name)!);
  return filterEnergy(filters, hiddenEnergy);
}

/** What becomes of the gradients and statistics of a pass. */
export interface GradientOutputs {
  readonly outputs: Record<string, Value>;
  /** Layouts of parameters, where not the standard one. */
  readonly layouts: ReadonlyMap<string, Layout>;
  /** The same by the names of the parameters, their gradients and the earlier gradients, as the model has them. */
  readonly named: Readonly<Record<string, Layout>>;
}

/**
 * Outputs of a model with gradients, by their parameters' names, and with the statistics of a network.
 * @param parts what the gradients are divided by, so that over all passes and processes they add up to the mean. @param passes of a step
 *   in this process: from two on, each adds to what the earlier ones gave.
 */
export function gradientOutputs(
  grads: ReadonlyMap<string, Value>,
  net: NetworkBuilder,
  { passes, parts, target }: { readonly passes: number; readonly parts: number; readonly target: Target },
): GradientOutputs {
  const outputs: Record<string, Value> = {};
  // In the order in which the backward pass comes by them: the runtime computes them in this one, and drops what only they need.
  for (const [name, grad] of [...grads].sort(([, a], [, b]) => a.id - b.id)) {
    const part = parts === 1 ? grad : scale(grad, 1 / parts);
    const earlier = passes === 1 ? undefined : grad.graph.input(earlierGradientName(name), 'float32', grad.shape);
    outputs[gradientName(name)] = earlier === undefined ? part : add(part, earlier);
  }
  for (const [name, value] of net.statistics) outputs[statisticName(name)] = value;
  // Kept as the model reads them, parameters need no transposing at every step, nor do their gradients.
  const layouts = new Map(
    [...grads.keys()]
      .map((name) => [name, preferredLayout(net.values.get(name)!, target)] as const)
      .filter(([, layout]) => layout !== 'standard'),
  );
  const named = Object.fromEntries(
    [...layouts].flatMap(([name, layout]) => [
      [name, layout],
      [gradientName(name), layout],
      [earlierGradientName(name), layout],
    ]),
  );
  return { outputs, layouts, named };
}

function nearestIsOwn(scores: Value, labels: Value): Value {
  return mean(greaterEqual(pickLabel(scores, labels), reduceMax(scores, { axes: [1] })));
}
