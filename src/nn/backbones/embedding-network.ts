// The embedding network of a recipe: what training differentiates, what a model file holds, and what reading one rebuilds.
import { averagePool2d, type Value } from '../../graph/index.js';
import type { NetworkBuilder } from '../parameters.js';
import { sfnet, type SfnetOptions } from './sfnet.js';

export interface EmbeddingNetwork extends Required<SfnetOptions> {
  /** The picture is averaged over squares of this side before the first stage; 1: not at all. */
  readonly inputPooling: number;
}

/** The embeddings [n, embeddingSize] of images [n, 3, h, w]. */
export function embeddingNetwork(net: NetworkBuilder, images: Value, network: EmbeddingNetwork): Value {
  const { inputPooling, depth, widths, embeddingSize } = network;
  const pooled = inputPooling === 1 ? images : averagePool2d(images, { kernel: inputPooling });
  return sfnet(net, pooled, { depth, widths, embeddingSize });
}
