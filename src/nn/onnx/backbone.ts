// A network from an ONNX model as a backbone: fine-tuned like one of this package's own, and deployed as the file that it came from.
import { z } from 'zod';
import { parseModel } from '../../graph/onnx/index.js';
import { flatten, Graph } from '../../graph/index.js';
import type { BackboneDescriptor } from '../backbones/backbone.js';
import { TrainingBuilder } from '../parameters.js';
import { onnxNetwork, type OnnxNetworkOptions } from './read.js';
import { withParameters } from './write.js';

/** The size of the pictures that a model takes. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Makes a backbone of a model: `network: {type: 'onnx'}` in a recipe that is read with it among its extensions.
 * @param model the bytes of an ONNX file with one input [n, 3, h, w]. @param size what `input` of the recipe will say.
 * @throws SphereFaceError for a model that cannot be read.
 */
export function onnxBackbone(model: Uint8Array, size: PictureSize, options: OnnxNetworkOptions = {}) {
  const parsed = parseModel(model, 'the model');
  const graph = new Graph();
  const net = new TrainingBuilder(graph);
  const images = graph.input('images', 'float32', [1, 3, size.height, size.width]);
  const embeddingSize = flatten(onnxNetwork(net, images, parsed, options)).size;
  const schema = z.strictObject({
    type: z.literal('onnx').describe('The network of an ONNX model.'),
    embeddingSize: z.literal(embeddingSize).default(embeddingSize).describe('Length of an embedding.'),
  });
  return {
    type: 'onnx',
    summary: 'The network of an ONNX model, with its parameters',
    schema,
    build: (builder, pictures) => flatten(onnxNetwork(builder, pictures, parsed, options)),
    // The classifier, which the file has no place for, is among the values of a run.
    deploy: (values) => withParameters(parsed, new Map([...values].filter(([name]) => net.values.has(name)))),
  } satisfies BackboneDescriptor<typeof schema>;
}
