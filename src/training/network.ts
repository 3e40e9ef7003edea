// The trained network of a recipe: backbone and classifier, and their starting values.
import { Random } from '../common/random.js';
import { readMetadataProps, withMetadataProps } from '../graph/onnx/index.js';
import { Graph, serialize, type Value } from '../graph/index.js';
import type { MarginDescriptor } from '../losses/index.js';
import {
  embeddingNetwork,
  fill,
  InferenceBuilder,
  type NetworkBuilder,
  type ParameterSpec,
  passOver,
} from '../nn/index.js';
import { componentsOf, type Extensions } from './extensions.js';
import type { Recipe } from './recipe.js';

/** The classifier's layer, as the published network calls it. */
const classifierLayer = 'fc6';
export const classifierName = `${classifierLayer}.weight`;

/** The classifier [rows, embeddingSize], and what the margin trains besides by its names there. */
export interface ClassifierSpecs {
  readonly weight: ParameterSpec;
  readonly ofMargin: ReadonlyMap<string, ParameterSpec>;
}

/** @param rows those that this process holds: all identities', where the classifier is not divided. */
export function classifierSpecs(
  { network, loss }: Recipe,
  identities: number,
  margin: MarginDescriptor,
  rows = identities,
): ClassifierSpecs {
  const own = margin.parameters?.(loss.margin, identities) ?? [];
  return {
    weight: {
      name: classifierName,
      role: 'classifier',
      shape: [rows, network.embeddingSize],
      filler: { type: 'xavier' },
    },
    ofMargin: new Map(
      own.map(({ name, start, ...spec }) => [
        name,
        { ...spec, name: `${classifierLayer}.${name}`, role: 'margin', filler: { type: 'constant', value: start } },
      ]),
    ),
  };
}

/** The classifier and what the margin trains besides, as parameters of a training graph. */
export function classifier(
  net: NetworkBuilder,
  { weight, ofMargin }: ClassifierSpecs,
): { readonly weight: Value; readonly ofMargin: Readonly<Record<string, Value>> } {
  const declared = net.parameter(weight);
  const parameters = [...ofMargin].map(([name, spec]) => [name, net.parameter(spec)] as const);
  return { weight: declared, ofMargin: Object.fromEntries(parameters) };
}

/**
 * Fresh values for every parameter; the same for the same recipe, seed and number of identities.
 * @param firstRow of a divided classifier, the first row that is here: it starts as it would in a whole one.
 */
export function startingValues(
  specs: readonly ParameterSpec[],
  { seed, network }: Recipe,
  { unitClassifier }: Pick<MarginDescriptor, 'unitClassifier'>,
  firstRow = 0,
): Map<string, Float32Array> {
  const random = new Random(seed);
  const values = new Map(
    specs.map((spec) => [
      spec.name,
      spec.role === 'classifier' ? classifierStart(spec, firstRow, random) : fill(spec.filler, spec.shape, random),
    ]),
  );
  if (unitClassifier) normaliseRows(values.get(classifierName)!, network.embeddingSize);
  return values;
}

/** The rows of a classifier from `firstRow` on, as they start in a whole one. */
function classifierStart({ shape, filler }: ParameterSpec, firstRow: number, random: Random): Float32Array {
  passOver(filler, firstRow * shape[1], random);
  return fill(filler, shape, random);
}

/** Divides each row of `size` values by its length, in place. A row of zeros stays as it is. */
export function normaliseRows(matrix: Float32Array, size: number): void {
  for (let start = 0; start < matrix.length; start += size) {
    let squared = 0;
    for (let i = start; i < start + size; i++) squared += matrix[i] * matrix[i];
    const factor = squared > 0 ? 1 / Math.sqrt(squared) : 1;
    for (let i = start; i < start + size; i++) matrix[i] *= factor;
  }
}

/** The embedding network with its parameters inside: the bytes of `model.onnx`, for any batch size. */
export function embeddingModel(
  recipe: Recipe,
  values: ReadonlyMap<string, Float32Array>,
  metadata: Readonly<Record<string, string>>,
  extensions: Extensions = {},
): Uint8Array {
  const { backbone } = componentsOf(recipe, extensions);
  if (backbone.deploy !== undefined) return withMetadata(backbone.deploy(values), metadata);
  const graph = new Graph();
  const { width, height } = recipe.input;
  const images = graph.input('images', 'float32', [1, 3, height, width]);
  const output = embeddingNetwork(new InferenceBuilder(graph, values), images, recipe.network, backbone);
  const batch = { 0: 'batch' };
  return serialize(graph, {
    outputs: { embedding: output },
    metadata,
    dynamicAxes: { images: batch, embedding: batch },
  });
}

/** A model file from elsewhere that states what this package's do, besides what it states itself. */
function withMetadata(model: Uint8Array, metadata: Readonly<Record<string, string>>): Uint8Array {
  const source = "the network's model file";
  const props = readMetadataProps(model, source);
  for (const [key, value] of Object.entries(metadata)) props.set(key, value);
  return withMetadataProps(model, props, source);
}
