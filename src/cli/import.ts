// `sphereface import`: a Caffe or ONNX model from elsewhere in, a model file (or starting weights) out.
import { extname } from 'node:path';
import type { Command } from 'commander';
import { UsageError, writeFileAtomic } from '../common/index.js';
import { describeAlignment } from '../images/index.js';
import {
  encodeWeights,
  importCaffe,
  type ImportedModel,
  importOnnx,
  openModel,
  readInputSpec,
  sidecarOf,
  writeModel,
} from '../models/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';

interface ImportOptions extends CommonOptions {
  readonly output: string;
  readonly prototxt?: string;
  readonly blob?: string;
  readonly inputSpec?: string;
}

export function registerImport(program: Command): void {
  withCommonOptions(
    program
      .command('import')
      .description('make a model file of a Caffe model, or of an ONNX model from elsewhere')
      .argument('<foreign>', 'a .caffemodel or .onnx file')
      .requiredOption(
        '-o, --output <file>',
        'the model (.onnx); or .safetensors: all weights, classifier included, for `train --init`',
      )
      .option('--prototxt <file>', "the Caffe net's definition; by default the .prototxt beside the weights")
      .option('--blob <name>', "the Caffe net's blob that is the embedding; by default its only output")
      .option('--input-spec <file>', 'how pictures become its input (JSON); by default the published convention'),
  ).action(async (foreign: string, options: ImportOptions) => {
    const out = new Output(options.json === true);
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
  const { prototxt, blob, device, threads } = options;
  const inputSpec = options.inputSpec === undefined ? undefined : await readInputSpec(options.inputSpec);
  switch (extname(foreign).toLowerCase()) {
    case '.caffemodel':
      return importCaffe(
        { caffemodel: foreign, prototxt: prototxt ?? foreign.replace(/\.caffemodel$/i, '.prototxt') },
        { ...(blob === undefined ? {} : { output: blob }), ...(inputSpec === undefined ? {} : { inputSpec }) },
      );
    case '.onnx': {
      if (extname(options.output).toLowerCase() !== '.onnx') {
        throw new UsageError('An ONNX model is imported as a model file.', {
          got: options.output,
          expected: 'a .onnx file',
        });
      }
      // Opening it checks that the convention and the network fit, and finds the embedding's length.
      await using model = await openModel(foreign, {
        device,
        threads,
        ...(inputSpec === undefined ? {} : { inputSpec }),
      });
      return await importOnnx(foreign, model.input, model.embeddingSize);
    }
    default:
      throw new UsageError('A model of this kind cannot be imported.', {
        got: foreign,
        expected: `a .caffemodel (with its .prototxt) or a .onnx (with --input-spec FILE or ${sidecarOf('MODEL.onnx')})`,
      });
  }
}
