// `sphereface embed`: aligned crops in, a file of embeddings out.
import { type Command, Option } from 'commander';
import { requireWritableFile, SphereFaceError } from '../common/index.js';
import type { Communicator } from '../distributed/index.js';
import { describeFormats, describeIgnored, openImageSource, assertSameAlignment } from '../images/index.js';
import { createEmbeddingsWriter, type EmbedFailure, openModel } from '../models/index.js';
import { embedOnRanks } from '../pipeline/index.js';
import { Output, Progress, positiveInteger } from './context.js';
import { onRanks } from './ranks.js';
import { type ModelOptions, openOptions, withModelOptions } from './model-options.js';

interface EmbedCommandOptions extends ModelOptions {
  readonly output: string;
  readonly flip?: boolean;
  readonly batch: number;
}

/** How many unreadable images are named on the terminal; `--json` names all. */
const namedFailures = 10;

export function registerEmbed(program: Command): void {
  withModelOptions(
    program
      .command('embed')
      .description('compute the embeddings of aligned crops')
      .argument('<model>', 'a model file (.onnx)')
      .argument('<images>', describeFormats())
      .requiredOption('-o, --output <file>', 'where to write: .npz, .npy or .parquet')
      .option('--flip', "concatenate the mirrored image's embedding (the published protocol)")
      .addOption(new Option('--batch <n>', 'images per run of the network').argParser(positiveInteger).default(32)),
  ).action((modelPath: string, images: string, options: EmbedCommandOptions) =>
    onRanks((communicator) => embed(modelPath, images, options, communicator)),
  );
}

async function embed(
  modelPath: string,
  images: string,
  options: EmbedCommandOptions,
  communicator: Communicator,
): Promise<void> {
  const out = new Output(options.json === true, communicator);
  const writes = communicator.rank === 0;
  const { flip = false, batch } = options;
  if (writes) await requireWritableFile(options.output);
  await using model = await openModel(modelPath, await openOptions(options, out));
  const source = await openImageSource(images);
  try {
    if (writes) for (const warning of source.warnings) out.warn(warning);
    assertSameAlignment(model.input, source.alignment);
    const width = model.embeddingSize * (flip ? 2 : 1);
    const writer = writes ? await createEmbeddingsWriter(options.output, width) : undefined;
    const failures: EmbedFailure[] = [];
    let embedded = 0;
    try {
      using progress = new Progress('embed', source.entries.length);
      for await (const rows of embedOnRanks(communicator, model, source, { flip, batchSize: batch })) {
        const files = rows.indices.map((index) => source.entries[index]!.file);
        await writer?.append(files, rows.embeddings);
        failures.push(...rows.failures);
        embedded += files.length;
        if (writes) progress.update(embedded + failures.length);
      }
      if (embedded === 0) {
        throw new SphereFaceError(`No image of ${images} could be embedded.`, {
          got: failures[0]?.error ?? 'nothing',
        });
      }
      await writer?.finish();
    } catch (error) {
      await writer?.abort();
      throw error;
    }
    if (!writes) return;
    for (const { file, error } of failures.slice(0, namedFailures)) out.warn(`${file}: ${error}`);
    if (failures.length > namedFailures)
      out.warn(`… and ${failures.length - namedFailures} more images without an embedding`);
    for (const { file, reason } of source.refused.slice(0, namedFailures)) out.warn(`${file}: ${reason}`);
    out.line(`${embedded} embeddings of ${width} values written to ${options.output}`);
    out.line(`without an embedding: ${failures.length}, refused: ${source.refused.length}`);
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
}
