// What a backbone is: one object that says its options and builds the network from pictures to embeddings.
import type { z } from 'zod';
import type { Descriptor, Kind } from '../../common/registry.js';
import type { Value } from '../../graph/index.js';
import type { NetworkBuilder, ParameterValues } from '../parameters.js';

/** A recipe's `network` is told apart by its `type`. */
export const backboneKind: Kind = { name: 'backbone', key: 'type' };

/** What the options of every backbone hold; the others are its own. */
export interface BackboneOptions {
  readonly type: string;
  /** Length of an embedding. */
  readonly embeddingSize: number;
  readonly [option: string]: unknown;
}

/** The size of the pictures that a network takes. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A backbone whose file has been read. */
export interface OpenedBackbone {
  readonly backbone: BackboneDescriptor;
  /** Length of an embedding, as the network gives it. */
  readonly embeddingSize: number;
}

/** A backbone. One of your own goes to `Trainer.create`, `startRun` and `parseRecipe` among the extensions. */
export interface BackboneDescriptor<S extends z.ZodObject = z.ZodObject> extends Descriptor {
  /** In a line: what it is and where it comes from. */
  readonly summary: string;
  /** A strict object of `type`, `embeddingSize` and the options, each with a description and, where there is one, its default. */
  readonly schema: S;
  /**
   * Parameters that were called otherwise in files of earlier versions: the name there, and the name now. Files of both kinds are
   * read.
   */
  readonly formerNames?: Readonly<Record<string, string>>;
  /** What makes it easier to train from the start, as advice where a run has gone wrong. */
  readonly easing?: string;
  /**
   * The bytes of the model file with these values, for a network that came from one: what is deployed is that file. Without it, the
   * graph that `build` makes is written.
   */
  readonly deploy?: (values: ParameterValues) => Uint8Array;
  /**
   * Declares the parameters and applies the ops.
   * @param images [n, 3, h, w]. @returns [n, embeddingSize]
   */
  build(net: NetworkBuilder, images: Value, options: z.output<S>): Value;
  /**
   * Where the network lies in a file, which the option `file` names: the same backbone with the network of that file. It can be built
   * and deployed; the one that has this method cannot.
   * @param file its bytes. @param size of the pictures.
   * @throws SphereFaceError for a model that cannot be trained, or does not fit the options.
   */
  open?(file: Uint8Array, size: PictureSize, options: z.output<S>): OpenedBackbone;
}

/** Parameters of a file under the names that a backbone gives them now. */
export function withPresentNames<T>(
  parameters: ReadonlyMap<string, T>,
  { formerNames = {} }: BackboneDescriptor,
): Map<string, T> {
  return new Map(
    [...parameters].map(([name, value]) => [Object.hasOwn(formerNames, name) ? formerNames[name] : name, value]),
  );
}
