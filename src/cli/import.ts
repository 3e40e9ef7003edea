// `sphereface import`: a Caffe or ONNX model from elsewhere in, a model file (or starting weights) out.
import { extname } from 'node:path';
import type { Command } from 'commander';
import { requireWritableFile, UsageError, writeFileAtomic } from '../common/index.js';
import { requireTemplateSize } from '../faces/index.js';
import { describeAlignment, type InputSpec } from '../images/index.js';
import {
  encodeWeights,
  foreignKind,
  importCaffe,
  type ImportedModel,
  importOnnx,
  openModel,
  sidecarOf,
  tryImported,
  writeModel,
} from '../models/index.js';
import { type Probe, probeModel } from '../pipeline/index.js';
import { Output, Progress } from './context.js';
import { type ModelOptions, openOptions, withModelOptions } from './model-options.js';

interface ImportOptions extends ModelOptions {
  readonly probe?: string;
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
      .option(
        '--probe <photos>',
        'find the input convention of an ONNX model: the one that tells the people of these photos apart best',
      )
      .option('--prototxt <file>', "the Caffe net's definition; by default the .prototxt beside the weights")
      .option('--blob <name>', "the Caffe net's blob that is the embedding, any of them; by default its only output"),
  ).action(async (foreign: string, options: ImportOptions) => {
    const out = new Output(options.json === true);
    const { device, threads } = options;
    await requireWritableFile(options.output);
    const probe = options.probe === undefined ? undefined : await probeConvention(foreign, options.probe, options, out);
    const imported = await importForeign(foreign, options, probe?.input, out);
    const { parameters, classifiers, input, embeddingSize, skipped } = imported;
    const asWeights = extname(options.output).toLowerCase() === '.safetensors';
    const weights = { parameters: new Map([...parameters, ...classifiers]), input };
    requireTemplateSize(imported.input, foreign);
    // What is for training alone is no model that could be tried.
    const warnings = asWeights ? [] : await tryImported(imported, foreign, { device, threads });
    if (asWeights) await writeFileAtomic(options.output, encodeWeights(weights));
    else await writeModel(options.output, imported.model);

    out.line(
      `${options.output}: ${embeddingSize} values per face from pictures ${input.width} wide, ${input.height} high`,
    );
    out.line(
      `input: ${input.channelOrder}, mean ${input.mean.join(', ')}, scale ${input.scale.join(', ')}; ${describeAlignment(input.alignment)}`,
    );
    if (skipped.length > 0) out.line(`left out, being for training only: ${skipped.join(', ')}`);
    if (!asWeights && classifiers.size > 0) out.line(unusedWeights(classifiers));
    for (const warning of warnings) out.warn(warning);
    out.result({
      output: options.output,
      embedding: imported.output,
      embeddingSize,
      input,
      parameters: [...parameters.keys()],
      classifiers: [...classifiers.keys()],
      skipped,
      warnings,
      ...(probe === undefined ? {} : { probe }),
    });
  });
}

/** How many weights are named that are not used; `--json` names all. */
const namedWeights = 4;

function unusedWeights(weights: ImportedModel['classifiers']): string {
  const names = [...weights].map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);
  const more = names.length > namedWeights ? ` and ${names.length - namedWeights} more` : '';
  return `no part of the model, as its embedding does not use it: ${names.slice(0, namedWeights).join(', ')}${more}; -o FILE.safetensors keeps it for train --init`;
}

/** Finds the convention, and shows how all did that were tried. */
async function probeConvention(foreign: string, photos: string, options: ImportOptions, out: Output): Promise<Probe> {
  const { device, threads, models, modelOutput, inputSpec } = options;
  if (extname(foreign).toLowerCase() !== '.onnx' || inputSpec !== undefined) {
    throw new UsageError('--probe finds the input convention of an ONNX model that states none.', {
      got: inputSpec === undefined ? foreign : `--probe and --input-spec`,
      next: inputSpec === undefined ? 'leave --probe out' : 'leave one of the two out',
    });
  }
  const units = { photos: 'photos', conventions: 'conventions' } as const;
  let progress: { readonly step: keyof typeof units; readonly bar: Progress } | undefined;
  let probe: Probe;
  try {
    probe = await probeModel(foreign, {
      photos,
      device,
      threads,
      ...(models === undefined ? {} : { models }),
      ...(modelOutput === undefined ? {} : { modelOutput }),
      log: (line) => {
        out.line(line);
      },
      onProgress: (step, done, total) => {
        if (progress?.step !== step) {
          progress?.bar[Symbol.dispose]();
          progress = { step, bar: new Progress('probe', total, units[step]) };
        }
        progress.bar.update(done);
      },
    });
  } finally {
    progress?.bar[Symbol.dispose]();
  }
  printProbe(probe, out);
  return probe;
}

/** How many photos without a crop are named; `--json` names all. */
const named = 5;

function printProbe(probe: Probe, out: Output): void {
  const { conventions, equivalent, runnerUp, people, photos, problems, warnings } = probe;
  for (const { file, error } of problems.slice(0, named)) out.warn(`${file}: ${error}`);
  if (problems.length > named) out.warn(`… and ${problems.length - named} more photos without a crop`);
  out.line(`${conventions.length} conventions tried on ${photos} photos of ${people} people, best first:`);
  out.line("  d'      AUC     EER      order  scaling                          template");
  for (const { input, scaling, dPrime, auc, eer } of conventions) {
    const numbers = `${dPrime.toFixed(3).padEnd(7)} ${auc.toFixed(4)}  ${(eer * 100).toFixed(2).padStart(5)} %`;
    out.line(`  ${numbers}  ${input.channelOrder}    ${scaling.padEnd(32)} ${input.alignment.template}`);
  }
  if (equivalent.length > 0) {
    const others = equivalent.map(({ input, scaling }) => `${input.channelOrder} ${scaling}`).join('; ');
    out.line(`the same embeddings, so that the choice is free: ${others}`);
  }
  if (runnerUp !== undefined) {
    out.line(
      `the next that differs: ${runnerUp.input.channelOrder} ${runnerUp.scaling}; in ${(runnerUp.agreement * 100).toFixed(0)} % of draws of people it is behind`,
    );
  }
  for (const warning of warnings) out.warn(warning);
}

async function importForeign(
  foreign: string,
  options: ImportOptions,
  found: InputSpec | undefined,
  out: Output,
): Promise<ImportedModel> {
  const { prototxt, blob, modelOutput } = options;
  const open = {
    ...(await openOptions(options, out)),
    weightsBeside: true,
    ...(found === undefined ? {} : { inputSpec: found }),
  };
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
    default: {
      const other = await foreignKind(foreign);
      throw new UsageError('A model of this kind cannot be imported.', {
        got: other === undefined ? foreign : `${foreign}, ${other.is}`,
        expected: `a .caffemodel (with its .prototxt) or a .onnx (with --input-spec FILE, ${sidecarOf('MODEL.onnx')} or --probe PHOTOS)`,
        ...(other === undefined ? {} : { next: other.next }),
      });
    }
  }
}
