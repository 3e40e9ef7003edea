// `sphereface evaluate`: a model on a pair file, as the papers do it; a report for people and numbers for programs.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { writeFileAtomic } from '../common/atomic.js';
import { UsageError } from '../common/errors.js';
import { type OpenedSource, openImageSource } from '../data/index.js';
import { calibrate } from '../evaluation/calibration.js';
import type { EvaluationNumbers } from '../evaluation/evaluate.js';
import { defaultBootstrap, type Protocol, protocols } from '../evaluation/metrics/index.js';
import { type Mistake, worstMistakes } from '../evaluation/mistakes.js';
import { fileFinder, parseImageList, parsePairs } from '../evaluation/pairs.js';
import type { Facts, PicturedPair } from '../evaluation/report/report.js';
import { type Embedder, type EvaluationRunResult, MissingImagesError, runEvaluation } from '../evaluation/run.js';
import {
  assertSameAlignment,
  type Calibration,
  type CropManifest,
  describeAlignment,
  embedImages,
  type Model,
  openModel,
  packageVersion,
  readCropManifest,
  readInputSpec,
  readMetadata,
  updateMetadata,
} from '../models/index.js';
import { type CommonOptions, Output, positiveInteger, Progress, withCommonOptions } from './context.js';

interface EvaluateOptions extends CommonOptions {
  readonly pairs: string;
  readonly images: string;
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
  readonly inputSpec?: string;
}

/** Beside a report's files, the whole list of missing images of a run that failed for them. */
const missingFile = 'missing.json';

export function registerEvaluate(program: Command): void {
  withCommonOptions(
    program
      .command('evaluate')
      .description('evaluate a model on pairs of aligned crops and write a report')
      .argument('<model>', 'a model file (.onnx)')
      .requiredOption('--pairs <file>', "LFW's pairs.txt or view-1 pairs, or `path path label` lines")
      .requiredOption('--images <data>', 'the aligned crops: a folder of identity folders, a zip of one, or a list')
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
  const pairFile = parsePairs(await text(options.pairs), basename(options.pairs));
  const thresholdPairFile =
    options.thresholdPairs === undefined
      ? undefined
      : parsePairs(await text(options.thresholdPairs), basename(options.thresholdPairs));
  if (options.calibrate !== undefined) await requireOwnMetadata(modelPath);

  const { device, threads, inputSpec, flip, batch } = options;
  await using model = await openModel(modelPath, {
    device,
    threads,
    ...(inputSpec === undefined ? {} : { inputSpec: await readInputSpec(inputSpec) }),
  });
  const crops = await readCropManifest(options.images);
  assertSameAlignment(model.input, crops?.alignment);
  const source = await openImageSource(options.images);
  try {
    const result = await runEvaluation({
      protocol,
      pairFile,
      ...(thresholdPairFile === undefined ? {} : { thresholdPairFile }),
      ...(options.folds === undefined ? {} : { folds: options.folds }),
      ...(options.gallery === undefined ? {} : { gallery: await imageList(options.gallery) }),
      ...(options.probes === undefined ? {} : { probes: await imageList(options.probes) }),
      files: source.entries.map(({ file }) => file),
      embed: embedder(model, source, { flip, batchSize: batch }),
      allowMissing: options.allowMissing === true,
      bootstrap: { ...defaultBootstrap, replicates: options.bootstrap, seed: options.seed },
    });
    const calibration = options.calibrate && calibrationOf(result, options.calibrate, options);
    const record = resultRecord({ model, source, crops, result, options });
    await write({ model, source, crops, result, options }, record);
    if (calibration !== undefined) await updateMetadata(modelPath, { calibration });
    summarise(out, result, record.pairs, options, calibration);
    out.result({ ...record, report: join(options.output, 'index.html'), ...(calibration && { calibration }) });
  } catch (error) {
    if (error instanceof MissingImagesError) out.line(await listMissing(error, options.output));
    throw error;
  } finally {
    await source.close();
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

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`${path} cannot be read`, { expected: 'a text file', cause });
  }
}

async function imageList(path: string): Promise<ReturnType<typeof parseImageList>> {
  return parseImageList(await text(path), basename(path));
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
  source: OpenedSource,
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

function calibrationOf(result: EvaluationRunResult, at: readonly number[], options: EvaluateOptions): Calibration {
  const { curve } = result.evaluation;
  return {
    data: `${basename(options.pairs)} on ${basename(options.images)}`,
    genuinePairs: curve.matched,
    impostorPairs: curve.mismatched,
    flip: options.flip,
    thresholds: calibrate(curve, at),
  };
}

/** An evaluation that is done, and what it was done with. */
interface Finished {
  readonly model: Model;
  readonly source: OpenedSource;
  readonly crops: CropManifest | undefined;
  readonly result: EvaluationRunResult;
  readonly options: EvaluateOptions;
}

/** What `result.json` holds. */
type ResultRecord = EvaluationNumbers & {
  readonly pairs: number;
  readonly used: number;
  readonly missing: EvaluationRunResult['missing'];
};

function resultRecord({ model, source, crops, result, options }: Finished): ResultRecord & Record<string, unknown> {
  const { protocol, ...numbers } = result.evaluation.numbers;
  const { recipe, ...metadata } = model.metadata;
  return {
    protocol,
    pairs: result.used.length + result.missing.length,
    used: result.used.length,
    ...numbers,
    missing: result.missing,
    pairFile: basename(options.pairs),
    ...(options.thresholdPairs === undefined
      ? {}
      : { thresholdPairFile: basename(options.thresholdPairs), missingThresholdPairs: result.missingThresholdPairs }),
    ...(result.identification === undefined
      ? {}
      : { identification: { ...result.identification, missing: result.missingListed } }),
    flip: options.flip,
    images: { name: basename(options.images), kind: source.kind, count: source.entries.length, ...crops },
    model: {
      name: basename(model.path),
      ...metadata,
      ...(recipe === undefined ? {} : { recipe: JSON.parse(recipe) as unknown }),
    },
    packageVersion,
  };
}

async function write({ model, source, crops, result, options }: Finished, record: ResultRecord): Promise<void> {
  // Drawing is loaded here so that the other commands start without it.
  const [{ renderReport }, { writeReport }] = await Promise.all([
    import('../evaluation/report/report.js'),
    import('../evaluation/report/files.js'),
  ]);
  const { falseAccepts, falseRejects } = worstMistakes(result.evaluation, options.worst);
  const page = renderReport({
    model: basename(model.path),
    evaluation: result.evaluation,
    ...(result.identification === undefined ? {} : { identification: result.identification }),
    pairs: record.pairs,
    missing: result.missing,
    falseAccepts: await picture(falseAccepts, result, source),
    falseRejects: await picture(falseRejects, result, source),
    modelFacts: modelFacts(model),
    dataFacts: dataFacts(source, crops, result, options),
    packageVersion,
  });
  await writeReport(options.output, page, record);
  // A failed run's list would contradict this one.
  await rm(join(options.output, missingFile), { force: true });
}

async function picture(
  mistakes: readonly Mistake[],
  result: EvaluationRunResult,
  source: OpenedSource,
): Promise<PicturedPair[]> {
  const { pictureAddress } = await import('../evaluation/report/files.js');
  const find = fileFinder(source.entries.map(({ file }) => file));
  const address = async (path: string): Promise<string> => pictureAddress(await source.read(find(path)!));
  return Promise.all(
    mistakes.map(async ({ pair, score, threshold }) => {
      const { a, b } = result.used[pair];
      return { a, b, score, threshold, pictures: [await address(a), await address(b)] as const };
    }),
  );
}

function modelFacts(model: Model): Facts {
  const { input, metadata } = model;
  const recipe = metadata.recipe === undefined ? undefined : (JSON.parse(metadata.recipe) as { name?: unknown });
  const facts: (readonly [string, string | undefined])[] = [
    ['file', basename(model.path)],
    ['crop', `${input.height} high, ${input.width} wide, ${input.channelOrder}`],
    ['pixels', `(x − ${triple(input.mean)}) / ${triple(input.scale)}`],
    ['alignment', describeAlignment(input.alignment)],
    ['embedding', `${model.embeddingSize} numbers`],
    ['recipe', typeof recipe?.name === 'string' ? recipe.name : undefined],
    ['written by', metadata.packageVersion && `sphereface-plus ${metadata.packageVersion}`],
    ['calibrated on', metadata.calibration?.data],
  ];
  return facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
}

function triple(values: readonly [number, number, number]): string {
  return values.every((value) => value === values[0]) ? String(values[0]) : `(${values.join(', ')})`;
}

function dataFacts(
  source: OpenedSource,
  crops: CropManifest | undefined,
  result: EvaluationRunResult,
  options: EvaluateOptions,
): Facts {
  const total = result.used.length + result.missing.length;
  const facts: (readonly [string, string])[] = [
    ['pairs', `${basename(options.pairs)}, ${result.used.length} of ${total} used`],
    ['images', `${basename(options.images)} (${source.kind}), ${source.entries.length} images`],
    ...cropFacts(crops),
    ['mirrored image', options.flip ? 'its embedding is appended' : 'not used'],
  ];
  if (options.thresholdPairs !== undefined) {
    const { length } = result.missingThresholdPairs;
    const missing = length === 0 ? '' : `, ${length} missing`;
    facts.push(['threshold from', `${basename(options.thresholdPairs)}${missing}`]);
  }
  return facts;
}

function cropFacts(crops: CropManifest | undefined): Facts {
  if (crops === undefined) return [['crops', 'without a manifest: how they were aligned is not known']];
  const { photos, aligned, withoutFace, unreadable } = crops.counts;
  return [
    ['crops', `${crops.height} high, ${crops.width} wide; ${describeAlignment(crops.alignment)}`],
    ['crop settings', JSON.stringify(crops.settings)],
    ['aligned', `${aligned} of ${photos} photos; ${withoutFace} without a face, ${unreadable} unreadable`],
    ['aligned by', `sphereface-plus ${crops.packageVersion}`],
  ];
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
      (interval === null ? '' : `, 95 % interval ${share(interval.low)} to ${share(interval.high)}`),
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

/** Writes the whole list of what is missing into the report's folder and says where. */
async function listMissing({ missing }: MissingImagesError, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, missingFile);
  await writeFileAtomic(path, `${JSON.stringify(missing, undefined, 2)}\n`);
  return `all ${missing.length} that are missing are listed in ${path}`;
}
