// The network of an ONNX file as a backbone: fine-tuned like one of this package's own, and deployed as the file that it came from.
import { z } from 'zod';
import { SphereFaceError } from '../../common/errors.js';
import { flatten, Graph } from '../../graph/index.js';
import { parseModel } from '../../graph/onnx/index.js';
import type { BackboneDescriptor } from './backbone.js';
import { TrainingBuilder } from '../parameters.js';
import { onnxNetwork } from '../onnx/read.js';
import { withParameters } from '../onnx/write.js';

const schema = z.strictObject({
  type: z.literal('onnx').describe('The network of an ONNX file.'),
  file: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('The file; null: the model that --init names. A run holds a copy, and names that.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .default(null)
    .describe('SHA-256 of the file: another one is refused. A run states it.'),
  embeddingSize: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Length of an embedding; 0: as the file gives it. A run states it.'),
  output: z
    .string()
    .nullable()
    .default(null)
    .describe('The output, or the inner tensor, that is the embedding; null: the only output.'),
  batchNorm: z
    .enum(['frozen', 'update'])
    .default('frozen')
    .describe(
      "frozen: batch normalisation uses the file's statistics. update: it normalises by the batch and moves them.",
    ),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .nullable()
    .default(null)
    .describe('Share of the values that Dropout nodes set to 0 while training; null: as each of them says.'),
  freeze: z
    .array(z.string())
    .default([])
    .describe('Parameters whose name matches one of these keep their values; * stands for anything.'),
  freezeUntil: z
    .string()
    .nullable()
    .default(null)
    .describe('All parameters up to this node or tensor, and its own, keep their values; null: none.'),
});

const about = {
  type: 'onnx',
  summary: 'The network of any ONNX file, with its parameters as the start',
  schema,
} as const;

export const onnxBackbone = {
  ...about,
  build: (_net, _images, { file }) => {
    throw new SphereFaceError(`The network lies in a file that has not been read: ${file ?? 'the model of --init'}.`, {
      next: "open it with the backbone's `open`, and give the result among the extensions as `network`",
    });
  },
  open: (file, { width, height }, options) => {
    const model = parseModel(file, 'the network');
    const { output, batchNorm, dropout, freeze, freezeUntil } = options;
    const reading = {
      batchNorm,
      freeze,
      ...(output === null ? {} : { output }),
      ...(dropout === null ? {} : { dropout }),
      ...(freezeUntil === null ? {} : { freezeUntil }),
    };
    // Read once for what it holds, so that a model that cannot be trained is refused before anything is begun.
    const net = new TrainingBuilder(new Graph());
    const images = net.graph.input('images', 'float32', [1, 3, height, width]);
    const { size } = flatten(onnxNetwork(net, images, model, reading));
    if (options.embeddingSize !== 0 && options.embeddingSize !== size) {
      throw new SphereFaceError('The embeddings of the network do not have the length that the recipe states.', {
        got: `${size} values`,
        expected: `${options.embeddingSize}, as network.embeddingSize says`,
        next: 'leave network.embeddingSize out, or name the embedding with network.output',
      });
    }
    const backbone = {
      ...about,
      build: (builder, pictures) => flatten(onnxNetwork(builder, pictures, model, reading)),
      // The classifier, which the file has no place for, is among the values of a run.
      deploy: (values) =>
        withParameters(model, new Map([...values].filter(([name]) => net.values.has(name))), reading.output),
    } satisfies BackboneDescriptor<typeof schema>;
    return { backbone, embeddingSize: size };
  },
} satisfies BackboneDescriptor<typeof schema>;
