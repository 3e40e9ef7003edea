// The backbones by their type, and the embedding network that the options of one describe.
import type { z } from 'zod';
import { SphereFaceError } from '../../common/errors.js';
import { Registry } from '../../common/registry.js';
import type { Value } from '../../graph/index.js';
import type { NetworkBuilder } from '../parameters.js';
import { type BackboneDescriptor, backboneKind, type BackboneOptions } from './backbone.js';
import * as list from './list.js';

type BuiltInBackbone = (typeof list)[keyof typeof list];

/** The options of the backbones of this package, as read. */
export type EmbeddingNetwork = z.output<BuiltInBackbone['schema']>;
/** The same as people write them. */
export type EmbeddingNetworkInput = z.input<BuiltInBackbone['schema']>;

/** The backbones of this package. */
export const backbones = new Registry(backboneKind, Object.values(list));

/**
 * The network of a recipe: what training differentiates, what a model file holds, and what reading one rebuilds.
 * @param images [n, 3, h, w]. @param backbone that of the options; one of this package by default. @returns [n, embeddingSize]
 */
export function embeddingNetwork(
  net: NetworkBuilder,
  images: Value,
  options: BackboneOptions,
  backbone: BackboneDescriptor = backbones.of(options.type),
): Value {
  const embedding = backbone.build(net, images, options);
  const expected = [images.shape[0], options.embeddingSize];
  if (embedding.shape.join() !== expected.join()) {
    throw new SphereFaceError(`The backbone "${options.type}" does not give what its options say.`, {
      got: `[${embedding.shape.join(', ')}]`,
      expected: `[${expected.join(', ')}]: a row of embeddingSize values for each picture`,
    });
  }
  return embedding;
}
