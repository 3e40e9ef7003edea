// What a trainer's network is outside of training: the model file.
import { encodeMetadata } from '../models/metadata.js';
import { dataOf } from '../models/safetensors.js';
import type { Weights } from '../models/weights.js';
import { type ParameterValues, withPresentNames } from '../nn/index.js';
import { componentsOf, type Extensions } from './extensions.js';
import { embeddingModel } from './network.js';
import type { Recipe } from './recipe.js';
import type { Trainer } from './trainer.js';

/** The embedding network with the trained parameters and the metadata that every reader obeys. */
export async function modelOf(trainer: Trainer): Promise<Uint8Array> {
  const { recipe, extensions } = trainer;
  return modelWith(recipe, dataOf((await trainer.state()).valueTensors()), extensions);
}

/** The model file of a run's recipe with the weights that one of its snapshots or checkpoints has. */
export function modelOfWeights(recipe: Recipe, { parameters }: Weights, extensions?: Extensions): Uint8Array {
  const { backbone } = componentsOf(recipe, extensions);
  return modelWith(recipe, withPresentNames(dataOf(parameters), backbone), extensions);
}

function modelWith(recipe: Recipe, values: ParameterValues, extensions?: Extensions): Uint8Array {
  const metadata = { input: recipe.input, embeddingSize: recipe.network.embeddingSize, recipe: JSON.stringify(recipe) };
  return embeddingModel(recipe, values, encodeMetadata(metadata), extensions);
}
