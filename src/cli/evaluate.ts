// `sphereface evaluate`: a model on a pair file, as the papers do it; a report for people and numbers for programs.
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted, UsageError } from '../common/index.js';
import { defaultBootstrap, type EvaluationRunResult, type Protocol, protocols } from '../evaluation/index.js';
import { describeFormats } from '../images/index.js';
import type { Calibration } from '../models/index.js';
import { defaultWorst, evaluateModel, evaluateSnapshots } from '../pipeline/index.js';
import { Output, positiveInteger, Progress, severalFolds } from './context.js';
import { type ModelOptions, openOptions, withModelOptions } from './model-options.js';

interface EvaluateOptions extends ModelOptions {
  readonly pairs: string;
  readonly images?: string;
  readonly output: string;
  readonly protocol?: Protocol;
  readonly thresholdPairs?: string;
  readonly folds?: number;
  readonly gallery?: string;
  readonly probes?: string;
  readonly allowMissing?: boolean;
  readonly flip: boolean;
  readonly batch: number;
  readonly bootstrap: number;
  readonly seed: number;
  readonly worst: number;
  readonly calibrate?: readonly number[];
  readonly snapshots?: 'all' | readonly number[];
}

export function registerEvaluate(program: Command): void {
  withModelOptions(
    program
      .command('evaluate')
      .description('evaluate a model on pairs of aligned crops and write a report')
      .argument('<model>', 'a model file (.onnx), or with --snapshots the folder of a run')
      .requiredOption(
        '--pairs <file>',
        'pairs of LFW, CALFW or CPLFW, `path path label` lines, a table with a header, or a set like lfw.bin',
      )
      .option('--images <data>', `the aligned crops: ${describeFormats()}`)
      .requiredOption('-o, --output <report>', 'the folder for index.html and result.json')
      .addOption(
        new Option(
          '--snapshots <which>',
          "a run's snapshots and checkpoints, all or 7000,8000: accuracy over iterations",
        ).argParser(snapshotList),
      )
      .addOption(
        new Option('--protocol <name>', '10-fold, or view1 with --threshold-pairs, by default').choices(protocols),
      )
      .option('--threshold-pairs <file>', 'view1: the pairs that the threshold is chosen on')
      .addOption(new Option('--folds <n>', 'k-fold: how many folds').argParser(severalFolds))
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
        new Option('--worst <n>', 'pairs to picture of each kind of mistake')
          .argParser(wholeNumber)
          .default(defaultWorst),
      )
      .addOption(
        new Option(
          '--calibrate <rates>',
          'store thresholds at these false-accept rates (1e-2,1e-3) in the model file, for verify',
        ).argParser(rates),
      ),
  ).action(evaluate);
}

async function evaluate(model: string, options: EvaluateOptions, command: Command): Promise<void> {
  const out = new Output(options.json === true);
  const protocol = options.protocol ?? (options.thresholdPairs === undefined ? '10-fold' : 'view1');
  checkOptions(protocol, options, command);
  if (options.snapshots !== undefined) {
    await evaluateRun(model, options.snapshots, protocol, options, out);
    return;
  }
  const { batch, bootstrap, seed, ...rest } = options;
  let progress: Progress | undefined;
  try {
    const { result, record, report, calibration } = await evaluateModel({
      ...rest,
      model,
      protocol,
      batchSize: batch,
      bootstrap: { ...defaultBootstrap, replicates: bootstrap, seed },
      open: await openOptions(options, out),
      onProgress: (done, total) => {
        progress ??= new Progress('embed', total);
        progress.update(done);
        if (done < total) return;
        progress[Symbol.dispose]();
        progress = undefined;
      },
      onWarning: (text) => {
        out.warn(text);
      },
    });
    summarise(out, result, record.pairs, options, calibration);
    out.result({ ...record, report, ...(calibration && { calibration }) });
  } catch (error) {
    progress?.[Symbol.dispose]();
    throw error;
  }
}

/** The snapshots of a run: numbers over iterations, without the parts of a report on one model. */
async function evaluateRun(
  run: string,
  snapshots: 'all' | readonly number[],
  protocol: Protocol,
  options: EvaluateOptions,
  out: Output,
): Promise<void> {
  const { pairs, images, output, thresholdPairs, folds, flip, batch, allowMissing = false } = options;
  const { result, report } = await evaluateSnapshots({
    run,
    snapshots,
    pairs,
    output,
    protocol,
    flip,
    allowMissing,
    batchSize: batch,
    ...(images === undefined ? {} : { images }),
    ...(thresholdPairs === undefined ? {} : { thresholdPairs }),
    ...(folds === undefined ? {} : { folds }),
    open: await openOptions(options, out),
    onSnapshot: ({ iteration, accuracy, auc, eer }) => {
      const [right, wrong] = [accuracy, eer].map((value) => (100 * value).toFixed(2));
      out.line(`iteration ${iteration}  accuracy ${right} %  AUC ${auc.toFixed(5)}  EER ${wrong} %`);
    },
  });
  if (result.used < result.pairs) {
    out.warn(leftOut(result.pairs - result.used));
  }
  out.line(`best      iteration ${result.best.iteration} of these pairs: report it on others`);
  out.line(`report    ${report}`);
  out.result({ ...result, report });
}

function checkOptions(protocol: Protocol, options: EvaluateOptions, command: Command): void {
  if ((protocol === 'view1') !== (options.thresholdPairs !== undefined)) {
    throw new UsageError('--threshold-pairs belongs to the view1 protocol', {
      got: `--protocol ${protocol} ${options.thresholdPairs === undefined ? 'without' : 'with'} --threshold-pairs`,
      next: protocol === 'view1' ? 'give --threshold-pairs FILE' : 'leave one of the two out',
    });
  }
  if (options.folds !== undefined && protocol !== 'k-fold') {
    throw new UsageError('--folds belongs to the k-fold protocol', { got: `--protocol ${protocol}` });
  }
  const ofOneModel = (['calibrate', 'gallery', 'probes', 'worst', 'bootstrap', 'seed'] as const).find(
    (name) => command.getOptionValueSource(name) === 'cli',
  );
  if (options.snapshots !== undefined && ofOneModel !== undefined) {
    throw new UsageError(`--${ofOneModel} is for one model, not for the snapshots of a run`, {
      next: 'evaluate the model that you choose by itself',
    });
  }
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) throw new InvalidArgumentError('expected a whole number');
  return number;
}

function snapshotList(value: string): 'all' | number[] {
  return value === 'all' ? value : value.split(',').map(wholeNumber);
}

function rates(value: string): number[] {
  const numbers = value.split(',').map(Number);
  if (!numbers.every((rate) => rate > 0 && rate < 1)) {
    throw new InvalidArgumentError('expected rates between 0 and 1, separated by commas');
  }
  return numbers;
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
  if (used < pairs) out.warn(leftOut(pairs - used));
  for (const { falseAcceptRate, threshold, trueAcceptRate } of calibration?.thresholds ?? []) {
    out.line(`threshold ${threshold.toFixed(4)} at FAR ${falseAcceptRate} (TAR ${share(trueAcceptRate)}), stored`);
  }
  out.line(`report    ${join(options.output, 'index.html')}`);
}

function leftOut(pairs: number): string {
  return `${counted(pairs, 'pair was', 'pairs were')} left out because an image is missing or unreadable`;
}
