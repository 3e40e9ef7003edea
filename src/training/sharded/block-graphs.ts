// What is computed of a block of a classifier's rows, as ONNX models: its part of the loss, the gradients of that, and its part of the energy.
import { Graph, gradients, serialize, type Shape, type Target, type Value } from '../../graph/index.js';
import {
  type Classification,
  type ClassLoss,
  type DividedEnergy,
  type LossForm,
  lossPart,
  lossShare,
  type MarginDescriptor,
  requireByClass,
} from '../../losses/index.js';
import type { Recipe } from '../recipe.js';
import { gradientName } from '../step-graph.js';

/** Everything that the graphs of all blocks have in common. */
export interface BlockSetting {
  readonly margin: MarginDescriptor;
  readonly options: Recipe['loss']['margin'];
  /** Images of a pass, over all processes. */
  readonly batch: number;
  /** Length of a row. */
  readonly size: number;
  /** Rows of the whole classifier. */
  readonly classes: number;
  /** Rows that take part in a pass, over all processes: fewer where they are sampled. */
  readonly active: number;
  readonly target: Target;
}

/** Names of inputs and outputs. Labels are places in the block, −1 for elsewhere; a margin's scalars and parameters have their own names. */
export const blockNames = {
  features: 'features',
  rows: 'rows',
  labels: 'labels',
  logNormaliser: 'logNormaliser',
  featuresGradient: gradientName('features'),
  rowsGradient: gradientName('rows'),
  visitors: 'visitors',
  visitorsGradient: gradientName('visitors'),
  mean: 'mean',
  value: 'value',
  loss: 'loss',
} as const;

interface BlockGraph {
  readonly graph: Graph;
  readonly features: Value;
  readonly rows: Value;
  readonly labels: Value;
  readonly parameters: Readonly<Record<string, Value>>;
  readonly classification: Classification;
  readonly byClass: ClassLoss;
}

function classificationOf({ margin, options, batch, size, classes }: BlockSetting, blockRows: number): BlockGraph {
  const graph = new Graph();
  const features = graph.input(blockNames.features, 'float32', [batch, size]);
  const rows = graph.input(blockNames.rows, 'float32', [blockRows, size]);
  const labels = graph.input(blockNames.labels, 'int64', [batch]);
  const inputs = (all: readonly { readonly name: string; readonly shape?: Shape }[] = []) =>
    Object.fromEntries(all.map(({ name, shape = [] }) => [name, graph.input(name, 'float32', shape)]));
  const scalars = inputs(margin.scalars?.(options));
  const parameters = inputs(margin.parameters?.(options, classes));
  const classification = margin.build({ features, classifier: rows, labels, scalars, parameters }, options);
  return {
    graph,
    features,
    rows,
    labels,
    parameters,
    classification,
    byClass: requireByClass(classification, margin.type),
  };
}

/**
 * How the margin's parts become the loss.
 * @throws SphereFaceError when it has none.
 */
export function lossFormOf(setting: BlockSetting): LossForm {
  const { byClass } = classificationOf(setting, 1);
  return byClass.type === 'sum' ? { type: 'sum' } : { type: 'cross-entropy', weight: byClass.weight };
}

/** A block's part of the loss: the numbers of `LossPart`, [batch] each. */
export function lossPartModel(setting: BlockSetting, blockRows: number): Uint8Array {
  const { graph, labels, classification, byClass } = classificationOf(setting, blockRows);
  const outputs = { ...lossPart(byClass, classification.scores, labels) };
  return serialize(graph, { outputs, target: setting.target });
}

/** A block's part of the features' gradient, the gradient of its rows, and its part of those of the margin's parameters. */
export function lossGradientModel(setting: BlockSetting, blockRows: number): Uint8Array {
  const { graph, features, rows, labels, parameters, byClass } = classificationOf(setting, blockRows);
  const logNormaliser = graph.input(blockNames.logNormaliser, 'float32', [setting.batch]);
  const names = Object.keys(parameters);
  const [ofFeatures, ofRows, ...ofParameters] = gradients(lossShare(byClass, labels, logNormaliser), [
    features,
    rows,
    ...Object.values(parameters),
  ]);
  const outputs = {
    [blockNames.featuresGradient]: ofFeatures,
    [blockNames.rowsGradient]: ofRows,
    ...Object.fromEntries(names.map((name, i) => [gradientName(name), ofParameters[i]])),
  };
  return serialize(graph, { outputs, target: setting.target });
}

/** The pairs of visiting rows with a block's rows: their part of the energy, and the gradients of both sides. */
export function pairsModel(
  energy: Extract<DividedEnergy, { form: 'pairs' }>,
  { size, active, target }: BlockSetting,
  {
    visitors: count,
    rows: blockRows,
    lines,
  }: { readonly visitors: number; readonly rows: number; readonly lines: number },
): Uint8Array {
  const graph = new Graph();
  const visitors = graph.input(blockNames.visitors, 'float32', [count, size]);
  const rows = graph.input(blockNames.rows, 'float32', [blockRows, size]);
  const places = graph.input(blockNames.labels, 'int64', [count]);
  const value = energy.share({ visitors, rows, places, lines, classes: active });
  const [ofVisitors, ofRows] = gradients(value, [visitors, rows]);
  const both = energy.visitors === 'batch' ? { [blockNames.visitorsGradient]: ofVisitors } : {};
  const outputs = { [blockNames.value]: value, [blockNames.rowsGradient]: ofRows, ...both };
  return serialize(graph, { outputs, target });
}

/** An energy of the batch's own rows: its value, what it minimises, and the gradient of the rows. */
export function batchEnergyModel(
  energy: Extract<DividedEnergy, { form: 'batch' }>,
  { batch, size, target }: BlockSetting,
): Uint8Array {
  const graph = new Graph();
  const own = graph.input(blockNames.visitors, 'float32', [batch, size]);
  const labels = graph.input(blockNames.labels, 'int64', [batch]);
  const mean = graph.input(blockNames.mean, 'float32', [1, size]);
  const { value, loss } = energy.build({ own, labels, mean });
  const [gradient] = gradients(loss, [own]);
  return serialize(graph, {
    outputs: { [blockNames.value]: value, [blockNames.loss]: loss, [blockNames.visitorsGradient]: gradient },
    target,
  });
}
