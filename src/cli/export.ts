// `sphereface export`: a model file in the number format that others want, checked against the original.
import { randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { requireWritableFile, SphereFaceError, UsageError } from '../common/index.js';
import {
  classifierPath,
  copyClassifier,
  exportModel,
  type ExportType,
  exportTypes,
  type Model,
  openModel,
  type OpenModelOptions,
  readModelFile,
  requiredCosine,
  smallestCosine,
  writeModel,
} from '../models/index.js';
import { type CommonOptions, Output, withCommonOptions } from './context.js';
import { givenInput, inputSpecHelp } from './model-options.js';

interface ExportOptions extends CommonOptions {
  readonly output: string;
  readonly dtype: ExportType;
  readonly inputSpec?: string;
}

export function registerExport(program: Command): void {
  withCommonOptions(
    program
      .command('export')
      .description('write a model for other runtimes, in float32 or float16, and compare it with the original')
      .argument('<model>', 'a model file (.onnx)')
      .requiredOption('-o, --output <file>', 'the exported model (.onnx)')
      .addOption(
        new Option('--dtype <type>', 'the number format of weights and arithmetic')
          .choices(exportTypes)
          .default('float32'),
      )
      .option('--input-spec <file>', inputSpecHelp),
  ).action(async (modelPath: string, options: ExportOptions) => {
    const out = new Output(options.json === true);
    const { dtype, device, threads, output } = options;
    const open = {
      device,
      threads,
      ...(options.inputSpec === undefined ? {} : { inputSpec: await givenInput(options.inputSpec) }),
    };
    if (resolve(modelPath) === resolve(output)) {
      throw new UsageError('The exported model would take the place of the original.', {
        next: 'choose another -o FILE',
      });
    }
    await requireWritableFile(output);
    await using original = await openModel(modelPath, open);
    const exported = exportModel(await readModelFile(modelPath), dtype, modelPath);
    const cosine = await cosineWith(original, exported, output, open);
    if (cosine < requiredCosine) {
      throw new SphereFaceError(`${modelPath} does not give the same embeddings in ${dtype}; nothing was written.`, {
        got: `cosine ${cosine.toFixed(6)} on the worst of 16 random pictures`,
        expected: `at least ${requiredCosine}`,
        next: 'export it as float32',
      });
    }
    const classifier = (await copyClassifier(modelPath, output)) ? classifierPath(output) : null;
    await writeModel(output, exported);
    const [before, after] = await Promise.all([modelPath, output].map(async (path) => (await stat(path)).size));
    out.line(`${output}: ${dtype}, ${megabytes(after)} MB (the original has ${megabytes(before)} MB)`);
    out.line(`cosine similarity with the original, worst of 16 random pictures: ${cosine.toFixed(6)}`);
    if (classifier !== null) out.line(`${classifier}: the classifier, for a fine-tune that starts from the model`);
    out.result({ output, classifier, dtype, bytes: after, originalBytes: before, smallestCosine: cosine });
  });
}

/** The cosine similarity of the exported bytes' embeddings with the original's, tried in a file beside the output. */
async function cosineWith(
  original: Model,
  exported: Uint8Array,
  output: string,
  options: OpenModelOptions,
): Promise<number> {
  const trial = `${output}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeModel(trial, exported);
    await using model = await openModel(trial, { ...options, inputSpec: original.input });
    return await smallestCosine(original, model);
  } finally {
    await rm(trial, { force: true });
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
