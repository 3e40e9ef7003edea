// The trained network of a recipe: backbone and classifier, their parameters' multipliers and starting values.
import { Random } from '../common/random.js';
import { Graph, serialize, type Value } from '../graph/index.js';
import { hasUnitClassifier, sphereFace2Bias } from '../losses/index.js';
import {
  embeddingNetwork,
  InferenceBuilder,
  initialize,
  type NetworkBuilder,
  type ParameterSpec,
} from '../nn/index.js';
import type { Recipe } from './recipe.js';

/** Names of the classifier's parameters, as the published network calls the layer. */
export const classifierName = 'fc6.weight';
export const classifierBiasName = 'fc6.bias';

/** The classifier [identities, embeddingSize], and SphereFace2's bias, as parameters of a training graph. */
export function classifier(
  net: NetworkBuilder,
  { network, loss }: Recipe,
  identities: number,
): { readonly weight: Value; readonly bias: Value | undefined } {
  const weight = net.parameter({
    name: classifierName,
    shape: [identities, network.embeddingSize],
    filler: { type: 'xavier' },
  });
  if (loss.margin.type !== 'sphereface2') return { weight, bias: undefined };
  const value = sphereFace2Bias(identities, loss.margin);
  const filler = { type: 'constant', value } as const;
  return { weight, bias: net.parameter({ name: classifierBiasName, shape: [1], filler, decayMultiplier: 0 }) };
}

/** The layers' parameters with what the recipe changes of their multipliers. */
export function withRecipeMultipliers(specs: readonly ParameterSpec[], network: Recipe['network']): ParameterSpec[] {
  return specs.map((spec) =>
    spec.name.endsWith('.slope')
      ? { ...spec, decayMultiplier: (spec.decayMultiplier ?? 1) * network.slopeDecay }
      : spec,
  );
}

/** Fresh values for every parameter; the same for the same recipe, seed and number of identities. */
export function startingValues(specs: readonly ParameterSpec[], recipe: Recipe): Map<string, Float32Array> {
  const values = initialize(specs, new Random(recipe.seed));
  const gain = Math.sqrt(recipe.network.fillerGain);
  for (const { name, filler } of specs) {
    const data = values.get(name)!;
    if (filler.type === 'xavier' && name !== classifierName) data.forEach((value, i) => (data[i] = value * gain));
  }
  if (hasUnitClassifier(recipe.loss.margin.type)) {
    normaliseRows(values.get(classifierName)!, recipe.network.embeddingSize);
  }
  return values;
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
): Uint8Array {
  const graph = new Graph();
  const { width, height } = recipe.input;
  const images = graph.input('images', 'float32', [1, 3, height, width]);
  const output = embeddingNetwork(new InferenceBuilder(graph, values), images, recipe.network);
  const batch = { 0: 'batch' };
  return serialize(graph, {
    outputs: { embedding: output },
    metadata,
    dynamicAxes: { images: batch, embedding: batch },
  });
}
