// `sphereface import`: a Caffe or ONNX model from elsewhere in, a model file (or starting weights) out.
import { extname } from 'node:path';
import type { Command } from 'commander';
import { requireWritableFile, UsageError, writeFileAtomic } from '../common/index.js';
import { describeAlignment } from '../images/index.js';
import {
  encodeWeights,
  importCaffe,
  type ImportedModel,
  importOnnx,
  openModel,
  sidecarOf,
  writeModel,
} from '../models/index.js';
import { Output } from './context.js';
import { type ModelOptions, openOptions, withModelOptions } from './model-options.js';

interface ImportOptions extends ModelOptions {
  readonly output: string;
  readonly prototxt?: string;
  readonly blob?: string;
}

export function registerImport(program: Command): void {
  withModelOptions(
    program
      .command('import')
      .description('make a model file of a Caffe model, or of an ONNX model from elsewhere')
      .argument('<foreign>', 'a .caffemodel or .onnx file')
      .requiredOption(
        '-o, --output <file>',
        'the model (.onnx); or .safetensors: all weights, classifier included, for `train --init`',
      )
      .option('--prototxt <file>', "the Caffe net's definition; by default the .prototxt beside the weights")
      .option('--blob <name>', "the Caffe net's blob that is the embedding; by default its only output"),
  ).action(async (foreign: string, options: ImportOptions) => {
    const out = new Output(options.json === true);
    await requireWritableFile(options.output);
    const imported = await importForeign(foreign, options);
    const { parameters, classifiers, input, embeddingSize, skipped } = imported;
    const asWeights = extname(options.output).toLowerCase() === '.safetensors';
    const weights = { parameters: new Map([...parameters, ...classifiers]), input };
    if (asWeights) await writeFileAtomic(options.output, encodeWeights(weights));
    else await writeModel(options.output, imported.model);

    out.line(
      `${options.output}: ${embeddingSize} values per face from pictures ${input.width} wide, ${input.height} high`,
    );
    out.line(
      `input: ${input.channelOrder}, mean ${input.mean.join(', ')}, scale ${input.scale.join(', ')}; ${describeAlignment(input.alignment)}`,
    );
    if (skipped.length > 0) out.line(`left out, being for training only: ${skipped.join(', ')}`);
    for (const [name, { shape }] of asWeights ? [] : classifiers) {
      out.line(
        `the classifier ${name} [${shape.join(', ')}] is not part of a model; -o FILE.safetensors keeps it for train --init`,
      );
    }
    out.result({
      output: options.output,
      embedding: imported.output,
      embeddingSize,
      input,
      parameters: [...parameters.keys()],
      classifiers: [...classifiers.keys()],
      skipped,
    });
  });
}

async function importForeign(foreign: string, options: ImportOptions): Promise<ImportedModel> {
  const { prototxt, blob, modelOutput } = options;
  const open = await openOptions(options);
  switch (extname(foreign).toLowerCase()) {
    case '.caffemodel': {
      if (modelOutput !== undefined) {
        throw new UsageError('The embedding of a Caffe net is a blob.', { next: 'name it with --blob NAME' });
      }
      const { inputSpec } = open;
      return importCaffe(
        { caffemodel: foreign, prototxt: prototxt ?? foreign.replace(/\.caffemodel$/i, '.prototxt') },
        { ...(blob === undefined ? {} : { output: blob }), ...(inputSpec === undefined ? {} : { inputSpec }) },
      );
    }
    case '.onnx': {
      if (extname(options.output).toLowerCase() !== '.onnx') {
        throw new UsageError('An ONNX model is imported as a model file.', {
          got: options.output,
          expected: 'a .onnx file',
        });
      }
      if (blob !== undefined) {
        throw new UsageError('The embedding of an ONNX model is an output.', {
          next: 'name it with --model-output NAME',
        });
      }
      // Opening it checks that the convention and the network fit, and finds the embedding's length.
      await using model = await openModel(foreign, open);
      const { input, embeddingSize } = model;
      return await importOnnx(foreign, {
        input,
        embeddingSize,
        ...(modelOutput === undefined ? {} : { output: modelOutput }),
      });
    }
    default:
      throw new UsageError('A model of this kind cannot be imported.', {
        got: foreign,
        expected: `a .caffemodel (with its .prototxt) or a .onnx (with --input-spec FILE or ${sidecarOf('MODEL.onnx')})`,
      });
  }
}
