// `sphereface evaluate`: a model on a pair file, as the papers do it; a report for people and numbers for programs.
import { basename, join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../common/errors.js';
import type { ImageSource } from '../data/index.js';
import { calibrate } from '../evaluation/calibration.js';
import { defaultBootstrap, type Protocol, protocols } from '../evaluation/metrics/index.js';
import { type Embedder, type EvaluationRunResult, MissingImagesError, runEvaluation } from '../evaluation/run.js';
import {
  assertSameAlignment,
  type Calibration,
  embedImages,
  type Model,
  openModel,
  readInputSpec,
  readMetadata,
  updateMetadata,
} from '../models/index.js';
import { Output, positiveInteger, Progress, withCommonOptions } from './context.js';
import { type EvaluateOptions, openData, readImageList, readPairs } from './evaluate-data.js';
import { listMissing, resultRecord, writeReportFiles } from './evaluate-output.js';

export function registerEvaluate(program: Command): void {
  withCommonOptions(
    program
      .command('evaluate')
      .description('evaluate a model on pairs of aligned crops and write a report')
      .argument('<model>', 'a model file (.onnx)')
      .requiredOption(
        '--pairs <file>',
        "LFW's pairs.txt or view-1 pairs, `path path label` lines, or a set like lfw.bin",
      )
      .option('--images <data>', 'the aligned crops: a folder of identity folders, a zip of one, or a list')
      .requiredOption('-o, --output <report>', 'the folder for index.html and result.json')
      .addOption(
        new Option('--protocol <name>', '10-fold, or view1 with --threshold-pairs, by default').choices(protocols),
      )
      .option('--threshold-pairs <file>', 'view1: the pairs that the threshold is chosen on')
      .addOption(new Option('--folds <n>', 'k-fold: how many folds').argParser(positiveInteger))
      .option('--gallery <file>', 'identification: the gallery, a path (and identity) per line')
      .option('--probes <file>', 'identification: the probes, a path (and identity) per line')
      .option('--allow-missing', 'go on without pairs whose images are missing, and say so in every output')
      .option('--no-flip', "do not concatenate the mirrored image's embedding")
      .addOption(new Option('--batch <n>', 'images per run of the network').argParser(positiveInteger).default(32))
      .addOption(
        new Option('--bootstrap <n>', 'resamples for intervals; 0 for none')
          .argParser(wholeNumber)
          .default(defaultBootstrap.replicates),
      )
      .addOption(new Option('--seed <n>', "the resamples' seed").argParser(wholeNumber).default(defaultBootstrap.seed))
      .addOption(
        new Option('--worst <n>', 'pairs to picture of each kind of mistake').argParser(wholeNumber).default(10),
      )
      .addOption(
        new Option(
          '--calibrate <rates>',
          'store thresholds at these false-accept rates (1e-2,1e-3) in the model file, for verify',
        ).argParser(rates),
      )
      .option('--input-spec <file>', 'the input convention of a model from elsewhere (JSON)'),
  ).action(evaluate);
}

async function evaluate(modelPath: string, options: EvaluateOptions): Promise<void> {
  const out = new Output(options.json === true);
  const protocol = options.protocol ?? (options.thresholdPairs === undefined ? '10-fold' : 'view1');
  checkOptions(protocol, options);
  if (options.calibrate !== undefined) await requireOwnMetadata(modelPath);

  const { device, threads, inputSpec, flip, batch } = options;
  await using model = await openModel(modelPath, {
    device,
    threads,
    ...(inputSpec === undefined ? {} : { inputSpec: await readInputSpec(inputSpec) }),
  });
  const data = await openData(options);
  try {
    assertSameAlignment(model.input, data.crops?.alignment);
    const result = await runEvaluation({
      protocol,
      pairFile: data.pairFile,
      ...(options.thresholdPairs === undefined ? {} : { thresholdPairFile: await readPairs(options.thresholdPairs) }),
      ...(options.folds === undefined ? {} : { folds: options.folds }),
      ...(options.gallery === undefined ? {} : { gallery: await readImageList(options.gallery) }),
      ...(options.probes === undefined ? {} : { probes: await readImageList(options.probes) }),
      files: data.source.entries.map(({ file }) => file),
      embed: embedder(model, data.source, { flip, batchSize: batch }),
      allowMissing: options.allowMissing === true,
      bootstrap: { ...defaultBootstrap, replicates: options.bootstrap, seed: options.seed },
    });
    const calibration = options.calibrate && calibrationOf(result, options.calibrate, data.images.name, options);
    const finished = { model, data, result, options };
    const record = resultRecord(finished);
    await writeReportFiles(finished, record);
    if (calibration !== undefined) await updateMetadata(modelPath, { calibration });
    summarise(out, result, record.pairs, options, calibration);
    out.result({ ...record, report: join(options.output, 'index.html'), ...(calibration && { calibration }) });
  } catch (error) {
    if (error instanceof MissingImagesError) out.line(await listMissing(error, options.output));
    throw error;
  } finally {
    await data.source.close();
  }
}

function checkOptions(protocol: Protocol, options: EvaluateOptions): void {
  if ((protocol === 'view1') !== (options.thresholdPairs !== undefined)) {
    throw new UsageError('--threshold-pairs belongs to the view1 protocol', {
      got: `--protocol ${protocol} ${options.thresholdPairs === undefined ? 'without' : 'with'} --threshold-pairs`,
      next: protocol === 'view1' ? 'give --threshold-pairs FILE' : 'leave one of the two out',
    });
  }
  if (options.folds !== undefined && protocol !== 'k-fold') {
    throw new UsageError('--folds belongs to the k-fold protocol', { got: `--protocol ${protocol}` });
  }
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) throw new InvalidArgumentError('expected a whole number');
  return number;
}

function rates(value: string): number[] {
  const numbers = value.split(',').map(Number);
  if (!numbers.every((rate) => rate > 0 && rate < 1)) {
    throw new InvalidArgumentError('expected rates between 0 and 1, separated by commas');
  }
  return numbers;
}

async function requireOwnMetadata(path: string): Promise<void> {
  if ((await readMetadata(path)) !== undefined) return;
  throw new UsageError(`${path} cannot carry a calibration`, {
    got: 'a model file without metadata of this package',
    next: `make it a model of its own first: sphereface import ${path} --input-spec FILE -o MODEL`,
  });
}

/** Embeds chosen images of a source, with progress. */
function embedder(
  model: Model,
  source: ImageSource,
  options: { readonly flip: boolean; readonly batchSize: number },
): Embedder {
  return async function* (indices) {
    using progress = new Progress('embed', indices.length);
    let done = 0;
    for await (const rows of embedImages(model, source, { ...options, indices })) {
      done += rows.indices.length + rows.failures.length;
      progress.update(done);
      yield rows;
    }
  };
}

function calibrationOf(
  result: EvaluationRunResult,
  at: readonly number[],
  images: string,
  options: EvaluateOptions,
): Calibration {
  const { curve } = result.evaluation;
  return {
    data: `${basename(options.pairs)} on ${images}`,
    genuinePairs: curve.matched,
    impostorPairs: curve.mismatched,
    flip: options.flip,
    thresholds: calibrate(curve, at),
  };
}

function summarise(
  out: Output,
  { evaluation, identification }: EvaluationRunResult,
  pairs: number,
  options: EvaluateOptions,
  calibration: Calibration | undefined,
): void {
  const { numbers } = evaluation;
  const share = (value: number): string => `${(value * 100).toFixed(2)} %`;
  const { mean, standardError, interval } = numbers.accuracy;
  const used = numbers.matched + numbers.mismatched;
  out.line(`${numbers.protocol}: ${numbers.description}`);
  out.line(
    `accuracy  ${share(mean)}` +
      (standardError === null ? '' : ` ± ${share(standardError)} (standard error, ${numbers.folds.length} folds)`) +
      (interval === null
        ? ''
        : `, ${defaultBootstrap.level * 100} % interval ${share(interval.low)} to ${share(interval.high)}`),
  );
  out.line(`AUC       ${numbers.auc.toFixed(5)}    EER ${share(numbers.eer)}`);
  for (const [rate, value] of Object.entries(numbers.tarAtFar)) out.line(`TAR       ${share(value)} at FAR ${rate}`);
  for (const [rate, reason] of Object.entries(numbers.tarAtFarUnsupported)) out.line(`TAR       FAR ${rate} ${reason}`);
  if (identification !== undefined) {
    for (const [rank, value] of Object.entries(identification.rankRates)) out.line(`rank ${rank}    ${share(value)}`);
    for (const [rate, value] of Object.entries(identification.tpirAtFpir)) {
      out.line(`TPIR      ${share(value)} at FPIR ${rate}`);
    }
  }
  out.line(`pairs     ${used} of ${pairs} used (${numbers.matched} matched, ${numbers.mismatched} mismatched)`);
  if (used < pairs) out.warn(`${pairs - used} pairs were left out because an image is missing or unreadable`);
  for (const { falseAcceptRate, threshold, trueAcceptRate } of calibration?.thresholds ?? []) {
    out.line(`threshold ${threshold.toFixed(4)} at FAR ${falseAcceptRate} (TAR ${share(trueAcceptRate)}), stored`);
  }
  out.line(`report    ${join(options.output, 'index.html')}`);
}
