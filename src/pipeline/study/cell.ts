// One cell from start to judgement: train, evaluate every snapshot on the validation pairs, judge the best on the test pairs, and tidy up.
// Each stage finds what was done before, so that a cell goes on where it was killed.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InterruptedError, SphereFaceError } from '../../common/errors.js';
import { exists } from '../../common/exists.js';
import { packageVersion } from '../../common/version.js';
import { bestGridThreshold, supportsFar, trueAcceptRateAt } from '../../evaluation/index.js';
import { decidedRightly } from '../../evaluation/metrics/threshold.js';
import type { OpenModelOptions } from '../../models/index.js';
import { resumeRun, type RunOptions, snapshotsOf, startRun } from '../../training/index.js';
import { openEvaluationData } from '../evaluation-data.js';
import { bestOf, evaluateWeights, openRun, weightsOfRun } from '../snapshots.js';
import type { Cell, StudyPlan } from './cells.js';
import { requireSamePairs, requireSameTraining } from './content.js';
import type { StudyPairs } from './data.js';
import {
  damagedRecords,
  describeCell,
  initOf,
  isChosen,
  isTrained,
  type Judgement,
  judgementKey,
  readJudgement,
  readValidation,
  runOf,
  startOver,
  type ValidatedSnapshot,
  type Validation,
  validationKey,
  writeJudgement,
  writeValidation,
} from './records.js';
import { inStudyWords } from './usable-pairs.js';

/** How a cell is worked on. */
export interface CellOptions {
  readonly device?: OpenModelOptions['device'];
  readonly threads?: number;
  /** When aborted, the cell is left where it can go on, and the work rejects. */
  readonly signal?: AbortSignal;
  /** Iterations of its training that are done. */
  readonly onIteration?: (done: number) => void;
  readonly onWarning?: (text: string) => void;
}

/** Works on a cell until it is judged and has its model. @throws what training and evaluation throw; InterruptedError if the signal was aborted. */
export async function workOn(cell: Cell, plan: StudyPlan, options: CellOptions): Promise<Judgement> {
  const found = await readJudgement(cell, plan);
  if (found !== undefined) {
    if (await isTrained(cell)) return found;
    // What starts from it needs the model, and nothing to go on from is left of it.
    await startOver(cell);
  }
  for (const text of await damagedRecords(cell)) options.onWarning?.(text);
  await describeCell(cell);
  await startOverWithoutSnapshots(cell, plan);
  await train(cell, plan, options);
  const snapshot = await choose(cell, plan, options);
  const judgement = await judge(cell, plan, snapshot, options);
  // Before the judgement, with which the cell is finished: a kill in between leaves nothing behind.
  await thin(cell, plan, snapshot.iteration);
  await writeJudgement(cell, judgement);
  return judgement;
}

/**
 * A cell of which the chosen snapshot alone is left cannot be chosen again on other validation pairs, nor where its record is damaged and
 * nobody knows on which it was chosen: it is trained anew.
 */
async function startOverWithoutSnapshots(cell: Cell, plan: StudyPlan): Promise<void> {
  if (await isChosen(cell, plan)) return;
  const validation = await readValidation(cell);
  const there = new Set((await weightsOfRun(runOf(cell))).map(({ iteration }) => iteration));
  const lost =
    validation === undefined
      ? (await isTrained(cell)) && (await isThinned(cell))
      : validation.snapshots.some(({ iteration }) => !there.has(iteration));
  if (lost) await startOver(cell);
}

async function train(cell: Cell, { data }: StudyPlan, options: CellOptions): Promise<void> {
  if (await isTrained(cell)) return;
  await requireSameTraining(data.training);
  const { device, threads, signal, onIteration, onWarning } = options;
  const folder = runOf(cell);
  const run: RunOptions = {
    device,
    threads,
    signal,
    onWarning,
    onStep: (iteration) => onIteration?.(iteration),
  };
  const { recipe, statedInput } = cell;
  const init = initOf(cell);
  const result = (await exists(join(folder, 'run.json')))
    ? await resumeRun(folder, { ...run, data: data.training.path })
    : await startRun({
        ...run,
        data: data.training.path,
        recipe,
        folder,
        statedInput,
        ...(init === undefined ? {} : { init }),
      });
  if (result.status === 'stopped') throw stopped();
}

/** The error of work that the signal has stopped. */
export function stopped(): InterruptedError {
  return new InterruptedError({ next: 'give the same command again to go on' });
}

/** The best snapshot on the validation pairs. Those evaluated before are not evaluated again. */
async function choose(cell: Cell, plan: StudyPlan, options: CellOptions): Promise<ValidatedSnapshot> {
  const key = validationKey(plan);
  const before = await readValidation(cell);
  let validation: Validation = before?.key === key ? before : { format: 1, key, snapshots: [], chosen: null };
  if (validation.chosen === null) {
    const snapshots = snapshotsOf(runOf(cell));
    for (const iteration of await snapshots.iterations()) {
      if (validation.snapshots.some((snapshot) => snapshot.iteration === iteration)) continue;
      if (options.signal?.aborted === true) throw stopped();
      const evaluated = await validate(cell, iteration, plan, options);
      validation = { ...validation, snapshots: [...validation.snapshots, evaluated] };
      await writeValidation(cell, validation);
    }
    if (validation.snapshots.length === 0) {
      throw new SphereFaceError(`The run of ${cell.name} has no snapshot to choose.`, {
        got: `none in ${snapshots.folder}`,
        next: `delete ${cell.folder} and give the same command again`,
      });
    }
    validation = { ...validation, chosen: bestOf(validation.snapshots).iteration };
    await writeValidation(cell, validation);
  }
  return validation.snapshots.find(({ iteration }) => iteration === validation.chosen)!;
}

async function validate(
  cell: Cell,
  iteration: number,
  plan: StudyPlan,
  options: CellOptions,
): Promise<ValidatedSnapshot> {
  const started = performance.now();
  const accuracies: number[] = [];
  const thresholds: number[] = [];
  for (const pairs of plan.data.validation) {
    const { evaluation } = await evaluate(cell, iteration, pairs, 'best-threshold', options);
    accuracies.push(evaluation.numbers.accuracy.mean);
    // As view 1 chooses its threshold, so that a study judges a model as `evaluate --threshold-pairs` does.
    thresholds.push(bestGridThreshold(evaluation.outcome.scores, evaluation.same).threshold);
  }
  const accuracy = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  return { iteration, accuracy, accuracies, threshold: thresholds[0], seconds: seconds(started) };
}

async function judge(
  cell: Cell,
  plan: StudyPlan,
  { iteration, threshold }: ValidatedSnapshot,
  options: CellOptions,
): Promise<Judgement> {
  const started = performance.now();
  const { protocol } = plan.definition.test;
  const ofValidation = protocol === 'validation-threshold';
  const counted = ofValidation ? 'best-threshold' : protocol;
  const { evaluation, missing } = await evaluate(cell, iteration, plan.data.test, counted, options);
  const { numbers, outcome, curve, same } = evaluation;
  const correct = ofValidation
    ? Array.from(outcome.scores, (score, i) => decidedRightly(score, same[i], threshold))
    : [...outcome.correct];
  return {
    format: 1,
    key: judgementKey(plan),
    packageVersion,
    iteration,
    threshold: ofValidation ? threshold : null,
    accuracy: correct.reduce<number>((sum, right) => sum + right, 0) / correct.length,
    auc: numbers.auc,
    eer: numbers.eer,
    correct: correct.join(''),
    roc: drawnRates
      .filter((rate) => supportsFar(curve, rate))
      .map((rate): [number, number] => [rate, trueAcceptRateAt(curve, rate)]),
    missing: missing.length,
    seconds: seconds(started),
  };
}

/** False-accept rates that curves are drawn at, the same for every cell so that they can be averaged: three decades. */
const drawnRates = Array.from({ length: 61 }, (_, i) => 10 ** (-3 + i / 20));

async function evaluate(
  cell: Cell,
  iteration: number,
  set: StudyPairs,
  protocol: 'best-threshold' | '10-fold' | 'k-fold',
  { device, threads }: CellOptions,
) {
  const { pairs, images, allowMissing } = set;
  const data = await openEvaluationData({ pairs, ...(images === undefined ? {} : { images }) });
  try {
    await requireSamePairs(data, set);
    const folder = runOf(cell);
    const [run, weights] = await Promise.all([openRun(folder), snapshotsOf(folder).read(iteration)]);
    return await evaluateWeights(run, weights, data, { protocol, allowMissing, open: { device, threads } });
  } catch (error) {
    throw inStudyWords(error, set);
  } finally {
    await data.source.dispose();
  }
}

/** Whether {@link thin} has begun on a run: its checkpoints go first, and a trained run has some. */
async function isThinned(cell: Cell): Promise<boolean> {
  return !(await exists(join(runOf(cell), 'checkpoints')));
}

/** Leaves of a judged run its model, its log and the chosen snapshot: a study of a hundred cells must not fill the disk. */
async function thin(cell: Cell, { definition }: StudyPlan, chosen: number): Promise<void> {
  await rm(join(runOf(cell), 'checkpoints'), { recursive: true, force: true });
  switch (definition.keep) {
    case 'all':
      return;
    case 'chosen': {
      const snapshots = snapshotsOf(runOf(cell));
      for (const iteration of await snapshots.iterations()) {
        if (iteration !== chosen) await snapshots.remove(iteration);
      }
    }
  }
}

function seconds(started: number): number {
  return (performance.now() - started) / 1000;
}
