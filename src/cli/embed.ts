// `sphereface embed`: aligned crops in, a file of embeddings out.
import { type Command, Option } from 'commander';
import { SphereFaceError } from '../common/index.js';
import { describeFormats, describeIgnored, openImageSource, assertSameAlignment } from '../images/index.js';
import { createEmbeddingsWriter, type EmbedFailure, embedImages, openModel, readInputSpec } from '../models/index.js';
import { type CommonOptions, Output, Progress, positiveInteger, withCommonOptions } from './context.js';

interface EmbedCommandOptions extends CommonOptions {
  readonly output: string;
  readonly flip?: boolean;
  readonly batch: number;
  readonly inputSpec?: string;
}

/** How many unreadable images are named on the terminal; `--json` names all. */
const namedFailures = 10;

export function registerEmbed(program: Command): void {
  withCommonOptions(
    program
      .command('embed')
      .description('compute the embeddings of aligned crops')
      .argument('<model>', 'a model file (.onnx)')
      .argument('<images>', describeFormats())
      .requiredOption('-o, --output <file>', 'where to write: .npz, .npy or .parquet')
      .option('--flip', "concatenate the mirrored image's embedding (the published protocol)")
      .addOption(new Option('--batch <n>', 'images per run of the network').argParser(positiveInteger).default(32))
      .option('--input-spec <file>', 'the input convention of a model from elsewhere (JSON)'),
  ).action(async (modelPath: string, images: string, options: EmbedCommandOptions) => {
    const out = new Output(options.json === true);
    const { device, threads, inputSpec, flip = false, batch } = options;
    await using model = await openModel(modelPath, {
      device,
      threads,
      ...(inputSpec === undefined ? {} : { inputSpec: await readInputSpec(inputSpec) }),
    });
    const source = await openImageSource(images);
    try {
      for (const warning of source.warnings) out.warn(warning);
      assertSameAlignment(model.input, source.alignment);
      const width = model.embeddingSize * (flip ? 2 : 1);
      const writer = await createEmbeddingsWriter(options.output, width);
      const failures: EmbedFailure[] = [];
      let embedded = 0;
      try {
        using progress = new Progress('embed', source.entries.length);
        for await (const rows of embedImages(model, source, { flip, batchSize: batch })) {
          const files = rows.indices.map((index) => source.entries[index]!.file);
          await writer.append(files, rows.embeddings);
          failures.push(...rows.failures);
          embedded += files.length;
          progress.update(embedded + failures.length);
        }
        if (embedded === 0) {
          throw new SphereFaceError(`No image of ${images} could be read.`, { got: failures[0]?.error ?? 'nothing' });
        }
        await writer.finish();
      } catch (error) {
        await writer.abort();
        throw error;
      }
      for (const { file, error } of failures.slice(0, namedFailures)) out.warn(`${file}: ${error}`);
      if (failures.length > namedFailures) out.warn(`… and ${failures.length - namedFailures} more unreadable images`);
      for (const { file, reason } of source.refused.slice(0, namedFailures)) out.warn(`${file}: ${reason}`);
      out.line(`${embedded} embeddings of ${width} values written to ${options.output}`);
      out.line(`unreadable: ${failures.length}, refused: ${source.refused.length}`);
      if (source.ignored.length > 0) out.line(`left out, as they are no images: ${describeIgnored(source.ignored)}`);
      out.result({
        output: options.output,
        embedded,
        width,
        flip,
        failures,
        refused: source.refused,
        ignored: source.ignored.length,
      });
    } finally {
      await source.dispose();
    }
  });
}
