// The graph of one training step: images, labels, parameters and λ in; loss terms, measures, gradients and their norms out.
import {
  add,
  div,
  Graph,
  gradients,
  greaterEqual,
  type Layout,
  mean,
  mul,
  norm,
  pickLabel,
  portable,
  preferredLayout,
  reduceMax,
  reshape,
  scale,
  serialize,
  shift,
  type Target,
  type Value,
} from '../graph/index.js';
import { caffeEnergy, classificationLoss, rieszEnergy, rowNorms } from '../losses/index.js';
import { embeddingNetwork, isTrained, type ParameterSpec, type ParameterValues, TrainingBuilder } from '../nn/index.js';
import { classifier, classifierName, withRecipeMultipliers } from './network.js';
import type { Recipe } from './recipe.js';

/** A step as an ONNX model, and what it takes and gives besides images and labels. */
export interface StepModel {
  readonly model: Uint8Array;
  /** All parameters, in the order of the network. Those that are not frozen are inputs under their names. */
  readonly specs: readonly ParameterSpec[];
  /** Whether the model has the scalar input `lambda`. */
  readonly takesLambda: boolean;
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

/**
 * Builds the step for a recipe and a number of identities. Inputs `images` [batch, 3, h, w], `labels` int64 [batch], parameters, `lambda`.
 * `frozen` holds the values of frozen parameters that do not start at their fillers. Where a step takes several passes, each adds its
 * share of the gradient to the earlier ones', which may lie in the very buffers that the gradients go to.
 */
export function buildStep(
  recipe: Recipe,
  identities: number,
  target: Target = portable,
  frozen: ParameterValues = new Map(),
): StepModel {
  const graph = new Graph();
  const { margin, energy: energyOptions, hiddenEnergy } = recipe.loss;
  const batch = recipe.solver.batchSize;
  const images = graph.input('images', 'float32', [batch, 3, recipe.input.height, recipe.input.width]);
  const labels = graph.input('labels', 'int64', [batch]);
  const takesLambda = margin.type === 'a-softmax' && margin.m !== 1;
  const lambda = takesLambda ? graph.input('lambda', 'float32', []) : graph.scalar(0);

  const net = new TrainingBuilder(graph, frozen);
  const features = embeddingNetwork(net, images, recipe.network);
  const { weight, bias } = classifier(net, recipe, identities);
  const specs = withRecipeMultipliers(net.specs, recipe.network);
  const inputs = { features, classifier: weight, labels };
  const classification = classificationLoss(inputs, { lambda, bias }, margin);

  const measures = new Map<MeasureName, Value>([
    ['classification', classification.loss],
    ['accuracy', nearestIsOwn(classification.scores, labels)],
    ['featureNorm', mean(rowNorms(features))],
  ]);
  let backboneLoss = classification.loss;
  if (hiddenEnergy !== null) {
    const term = scale(meanFilterEnergy(net, hiddenEnergy), hiddenEnergy.weight);
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
  if (energyOptions !== null) {
    const {
      value,
      term,
      gradient,
      weight: factor,
    } = weightedEnergy(weight, labels, energyOptions, classificationGradient);
    measures.set('energy', value).set('energyTerm', term).set('energyWeight', factor);
    measures.set('energyGradient', norm(gradient));
    grads.set(classifierName, add(classificationGradient, gradient));
    loss = add(loss, term);
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
  return { model, specs, takesLambda, layouts, measures: [...measures.keys()] };
}

/** The energy of the classifier, weighted, and its gradient there. It does not reach the backbone. */
function weightedEnergy(
  weight: Value,
  labels: Value,
  options: NonNullable<Recipe['loss']['energy']>,
  classificationGradient: Value,
): { readonly value: Value; readonly term: Value; readonly gradient: Value; readonly weight: Value } {
  const { graph } = weight;
  if (options.form === 'caffe') {
    // Its weight α is part of the released formula, and its output is a distance.
    const { loss, distance } = caffeEnergy(weight, labels, options);
    const [gradient] = gradients(loss, [weight]);
    return { value: distance, term: loss, gradient, weight: graph.scalar(options.alpha) };
  }
  const energy = rieszEnergy(weight, labels, options.pairs, options);
  const [plain] = gradients(energy, [weight]);
  const factor =
    options.weight.type === 'constant'
      ? graph.scalar(options.weight.value)
      : div(scale(norm(classificationGradient), options.weight.share), shift(norm(plain), 1e-20));
  return { value: energy, term: mul(energy, factor), gradient: mul(plain, factor), weight: factor };
}

/** Mean over layers of the energy between the filters of each convolution. */
function meanFilterEnergy(net: TrainingBuilder, options: NonNullable<Recipe['loss']['hiddenEnergy']>): Value {
  const energies = net.specs
    .filter(({ name, shape }) => name.startsWith('conv') && shape.length === 4)
    .map(({ name, shape: [filters, ...rest] }) => {
      const rows = reshape(net.values.get(name)!, [filters, rest.reduce((product, dim) => product * dim, 1)]);
      return rieszEnergy(rows, net.graph.indices([]), 'all', options);
    });
  return scale(energies.reduce(add), 1 / energies.length);
}

function nearestIsOwn(scores: Value, labels: Value): Value {
  return mean(greaterEqual(pickLabel(scores, labels), reduceMax(scores, { axes: [1] })));
}
