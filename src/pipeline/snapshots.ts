// The snapshots and checkpoints of a run on pairs: accuracy over iterations.
import { join } from 'node:path';
import { UsageError } from '../common/errors.js';
import { packageVersion } from '../common/version.js';
import { requireWritableFolder } from '../common/writable.js';
import { type EvaluationRunResult, runEvaluation, type Protocol } from '../evaluation/index.js';
import { assertSameAlignment } from '../images/index.js';
import { type OpenModelOptions, openModel, type Weights } from '../models/index.js';
import {
  CheckpointStore,
  type Extensions,
  modelOfWeights,
  type Recipe,
  reopenNetwork,
  snapshotsOf,
} from '../training/index.js';
import { readRun } from '../training/run-record.js';
import { embedderOf } from './embedder.js';
import { type EvaluationData, type EvaluationPaths, openEvaluationData, readPairs } from './evaluation-data.js';
import type { SnapshotNumbers, SnapshotsResult } from './run-report/snapshots-page.js';

/** Weights of a run at one iteration. */
export interface RunWeights {
  readonly iteration: number;
  readonly read: () => Promise<Weights>;
}

/** The checkpoints of a run, to be read. */
export function checkpointsOf(run: string): CheckpointStore {
  return new CheckpointStore(join(run, 'checkpoints'), 1);
}

/** The snapshots of a run, and its checkpoints at other iterations; ascending. */
export async function weightsOfRun(run: string): Promise<RunWeights[]> {
  const snapshots = snapshotsOf(run);
  const checkpoints = checkpointsOf(run);
  const found = new Map<number, RunWeights>();
  for (const iteration of await checkpoints.iterations()) {
    if (iteration > 0) found.set(iteration, { iteration, read: () => checkpoints.read(iteration) });
  }
  for (const iteration of await snapshots.iterations()) {
    found.set(iteration, { iteration, read: () => snapshots.read(iteration) });
  }
  return [...found.values()].sort((a, b) => a.iteration - b.iteration);
}

/** A run as it became: what its recipe left open, its data, its start and the file of its network have decided. */
export interface OpenedRun {
  readonly recipe: Recipe;
  /** Its network, where that lies in a file. */
  readonly extensions: Extensions;
}

/** Reads what weights of a run belong to. @throws SphereFaceError for a folder without a run, and for one that has lost its network. */
export async function openRun(folder: string): Promise<OpenedRun> {
  const { recipe } = await readRun(folder);
  return { recipe, extensions: await reopenNetwork(folder, recipe) };
}

/** How weights are evaluated. */
export interface WeightsEvaluation {
  readonly protocol: Protocol;
  readonly thresholdPairs?: string;
  readonly folds?: number;
  readonly flip?: boolean;
  readonly allowMissing?: boolean;
  readonly batchSize?: number;
  readonly open?: OpenModelOptions;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Evaluates weights on pairs. Without intervals: those of the one that counts are worth their time, those of every snapshot are not. */
export async function evaluateWeights(
  { recipe, extensions }: OpenedRun,
  weights: Weights,
  data: EvaluationData,
  options: WeightsEvaluation,
): Promise<EvaluationRunResult> {
  const { protocol, thresholdPairs, folds, flip = true, allowMissing = false, batchSize = 32 } = options;
  await using model = await openModel(modelOfWeights(recipe, weights, extensions), options.open);
  assertSameAlignment(model.input, data.alignment);
  return await runEvaluation({
    protocol,
    pairFile: data.pairFile,
    ...(thresholdPairs === undefined ? {} : { thresholdPairFile: await readPairs(thresholdPairs, data.names) }),
    ...(folds === undefined ? {} : { folds }),
    images: data.names,
    embed: embedderOf(model, data.source, { flip, batchSize }, options.onProgress),
    allowMissing,
    bootstrap: { replicates: 0, seed: 1, level: 0.95 },
  });
}

export interface EvaluateSnapshotsOptions extends EvaluationPaths, WeightsEvaluation {
  /** The folder of the run. */
  readonly run: string;
  /** Which of its snapshots and checkpoints: iterations, or all. */
  readonly snapshots: 'all' | readonly number[];
  /** The folder of the report. */
  readonly output: string;
  readonly onSnapshot?: (snapshot: SnapshotNumbers) => void;
}

/**
 * Evaluates snapshots of a run and writes a report: accuracy over iterations.
 * @throws UsageError for a folder without any, or for one that is not there.
 */
export async function evaluateSnapshots(
  options: EvaluateSnapshotsOptions,
): Promise<{ readonly result: SnapshotsResult; readonly report: string }> {
  const { run, output, protocol } = options;
  await requireWritableFolder(output);
  const opened = await openRun(run);
  const chosen = await chosenWeights(options);
  const data = await openEvaluationData(options);
  try {
    const snapshots: SnapshotNumbers[] = [];
    let used = 0;
    let pairs = 0;
    for (const { iteration, read } of chosen) {
      const result = await evaluateWeights(opened, await read(), data, options);
      const { accuracy, auc, eer } = result.evaluation.numbers;
      used = result.used.length;
      pairs = used + result.missing.length;
      snapshots.push({ iteration, accuracy: accuracy.mean, auc, eer });
      options.onSnapshot?.(snapshots.at(-1)!);
    }
    const best = bestOf(snapshots);
    const result = { recipe: opened.recipe.name, protocol, pairs, used, snapshots, best, packageVersion };
    const [{ renderSnapshots }, { writeReport }] = await Promise.all([
      import('./run-report/snapshots-page.js'),
      import('../evaluation/report/files.js'),
    ]);
    const { page } = await writeReport(output, renderSnapshots(result), result);
    return { result, report: page };
  } finally {
    await data.source.dispose();
  }
}

/** Accuracies that differ by less are one: a mean over folds has rounding in its last bits, and a single pair counts far more. */
const rounding = 1e-9;

/** The best of some snapshots; of equal ones the latest, which has seen most. */
export function bestOf<T extends { readonly iteration: number; readonly accuracy: number }>(
  snapshots: readonly T[],
): T {
  const most = Math.max(...snapshots.map(({ accuracy }) => accuracy));
  return snapshots
    .filter(({ accuracy }) => accuracy >= most - rounding)
    .reduce((latest, snapshot) => (snapshot.iteration > latest.iteration ? snapshot : latest));
}

async function chosenWeights({ run, snapshots }: EvaluateSnapshotsOptions): Promise<RunWeights[]> {
  const all = await weightsOfRun(run);
  const iterations = all.map(({ iteration }) => iteration);
  if (all.length === 0) {
    throw new UsageError(`${run} holds no snapshot and no checkpoint.`, {
      next: 'train with --set log.snapshots=500: the parameters are kept every 500 iterations',
    });
  }
  if (snapshots === 'all') return all;
  const lacking = snapshots.filter((iteration) => !iterations.includes(iteration));
  if (lacking.length === 0) return all.filter(({ iteration }) => snapshots.includes(iteration));
  throw new UsageError(`${run} holds no snapshot of iteration ${lacking.join(', ')}.`, {
    expected: `among ${iterations.join(', ')}`,
  });
}
