// A model file evaluated on a pair file: opens both, embeds, evaluates, writes the report, and stores a calibration if wanted.
import { basename, join } from 'node:path';
import { UsageError } from '../common/errors.js';
import { requireWritableFolder } from '../common/writable.js';
import {
  type BootstrapOptions,
  calibrate,
  defaultBootstrap,
  type EvaluationRunResult,
  MissingImagesError,
  type Protocol,
  runEvaluation,
} from '../evaluation/index.js';
import { assertSameAlignment } from '../images/index.js';
import { type Calibration, type OpenModelOptions, openModel, readMetadata, updateMetadata } from '../models/index.js';
import { embedderOf } from './embedder.js';
import { type EvaluationPaths, openEvaluationData, readImageList, readPairs } from './evaluation-data.js';
import {
  listMissing,
  type OutputOptions,
  resultRecord,
  type ResultRecord,
  writeReportFiles,
} from './evaluation-output.js';

/** What to evaluate, on what, and how. */
export interface EvaluateModelOptions extends EvaluationPaths, Partial<Omit<OutputOptions, 'pairs' | 'output'>> {
  readonly model: string;
  /** The folder of the report. */
  readonly output: string;
  readonly protocol: Protocol;
  /** `k-fold` only. */
  readonly folds?: number;
  /** Identification: lists of images. */
  readonly gallery?: string;
  readonly probes?: string;
  readonly allowMissing?: boolean;
  /** Images per run of the network. */
  readonly batchSize?: number;
  readonly bootstrap?: BootstrapOptions;
  /** False-accept rates whose thresholds are stored in the model file. */
  readonly calibrate?: readonly number[];
  /** How to open the model: device, threads, and what a model from elsewhere does not say of itself. */
  readonly open?: OpenModelOptions;
  /** Called as images are embedded. */
  readonly onProgress?: (done: number, total: number) => void;
  /** What is odd about the images; and before the run fails for missing ones, where they are all listed. */
  readonly onWarning?: (text: string) => void;
}

/** What came of it; the report is written. */
export interface ModelEvaluation {
  readonly result: EvaluationRunResult;
  /** What `result.json` holds. */
  readonly record: ResultRecord & Record<string, unknown>;
  /** The path of the report's page. */
  readonly report: string;
  readonly calibration: Calibration | undefined;
}

/** Pairs of each kind of mistake that a report pictures, unless told otherwise. */
export const defaultWorst = 10;

/**
 * Evaluates a model and writes the report's folder.
 * @throws UsageError if a calibration is asked of a file that cannot carry one; MissingImagesError if images are missing
 *   and `allowMissing` is not set; SphereFaceError if the crops were aligned for another model.
 */
export async function evaluateModel(options: EvaluateModelOptions): Promise<ModelEvaluation> {
  const { model: path, pairs, thresholdPairs, flip = true, output, worst = defaultWorst, batchSize = 32 } = options;
  await requireWritableFolder(output);
  if (options.calibrate !== undefined) await requireOwnMetadata(path);
  await using model = await openModel(path, options.open);
  const data = await openEvaluationData(options);
  try {
    const warn = (warning: string): void => options.onWarning?.(warning);
    for (const warning of data.warnings) warn(warning);
    assertSameAlignment(model.input, data.alignment);
    const result = await runEvaluation({
      protocol: options.protocol,
      pairFile: data.pairFile,
      ...(thresholdPairs === undefined ? {} : { thresholdPairFile: await readPairs(thresholdPairs, data.names, warn) }),
      ...(options.folds === undefined ? {} : { folds: options.folds }),
      ...(options.gallery === undefined ? {} : { gallery: await readImageList(options.gallery, data.names, warn) }),
      ...(options.probes === undefined ? {} : { probes: await readImageList(options.probes, data.names, warn) }),
      images: data.names,
      embed: embedderOf(model, data.source, { flip, batchSize }, options.onProgress),
      allowMissing: options.allowMissing === true,
      bootstrap: options.bootstrap ?? defaultBootstrap,
    });
    const calibration =
      options.calibrate && calibrationOf(result, options.calibrate, `${basename(pairs)} on ${data.images.name}`, flip);
    const finished = {
      model,
      data,
      result,
      options: { pairs, flip, output, worst, ...(thresholdPairs === undefined ? {} : { thresholdPairs }) },
    };
    const record = resultRecord(finished);
    await writeReportFiles(finished, record);
    if (calibration !== undefined) await updateMetadata(path, { calibration });
    return { result, record, report: join(output, 'index.html'), calibration };
  } catch (error) {
    if (error instanceof MissingImagesError) options.onWarning?.(await listMissing(error, output));
    throw error;
  } finally {
    await data.source.dispose();
  }
}

async function requireOwnMetadata(path: string): Promise<void> {
  if ((await readMetadata(path)) !== undefined) return;
  throw new UsageError(`${path} cannot carry a calibration`, {
    got: 'a model file without metadata of this package',
    next: `make it a model of its own first: sphereface import ${path} --input-spec FILE -o MODEL`,
  });
}

function calibrationOf(
  { evaluation: { curve } }: EvaluationRunResult,
  at: readonly number[],
  data: string,
  flip: boolean,
): Calibration {
  return {
    data,
    genuinePairs: curve.matched,
    impostorPairs: curve.mismatched,
    flip,
    thresholds: calibrate(curve, at),
  };
}
