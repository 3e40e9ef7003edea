// A run: a folder with the recipe, the log, the checkpoints and at the end the model; started once, resumed as often as needed.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { packageVersion } from '../common/version.js';
import { openImageSource } from '../images/index.js';
import { dataOf } from '../models/safetensors.js';
import { withPresentNames } from '../nn/index.js';
import { assertUsable, recordData } from './data-record.js';
import { datasetOf } from './dataset.js';
import { componentsOf } from './extensions.js';
import { divided } from './held-out.js';
import { logOf, type RunResult, runLoop, storeOf } from './run-loop.js';
import { keepNetwork, openNetwork, reopenNetwork } from './network-file.js';
import { assertFree, readRun, removeRecord, writeRecipe, writeRecord } from './run-record.js';
import {
  alignmentOf,
  alignmentOfRun,
  datasetOfRun,
  initialise,
  openData,
  startOf,
  type ResumeOptions,
  type StartOptions,
  tellOf,
  withAlignment,
  withIterations,
  withNetwork,
  writeReport,
} from './run-setup.js';
import { Trainer } from './trainer.js';
import { validatorOf } from './validation.js';

/**
 * Trains a model from a recipe.
 * @throws UsageError when the folder already holds a run, or the recipe is a fine-tune and `init` is missing; SphereFaceError when data,
 * recipe and start do not fit together; TrainingAnomaly when the guard stops it.
 */
export async function startRun(given: StartOptions): Promise<RunResult> {
  const { folder, data, onWarning } = given;
  await assertFree(folder, storeOf(folder, given.recipe), logOf(folder));
  const network = await openNetwork(given);
  const options = withNetwork(given, network);
  const { init } = options;
  if (options.recipe.start === 'model' && init === undefined) {
    throw new UsageError(`The recipe ${options.recipe.name} is a fine-tune: it needs a trained model to start from.`, {
      got: 'no model',
      next: 'give the folder of a finished run of the same m with --init RUN, or start from nothing with --set start=scratch',
    });
  }
  const opened = await openImageSource(data);
  try {
    tellOf(opened, data, onWarning);
    const start = await startOf(options, network);
    const alignment = alignmentOf(options, opened, start);
    const recipe = withAlignment(options.recipe, alignment);
    const whole = datasetOf(opened, recipe.data.minimumImages);
    await assertUsable(whole, recipe);
    const { training: dataset, heldOut } = divided(whole, recipe);
    const validator = validatorOf(recipe, heldOut, options);
    const frozen = start === undefined ? undefined : dataOf(start.parameters);
    await using trainer = await Trainer.create(recipe, dataset, { ...options, frozen });
    const report = start === undefined ? undefined : await initialise(trainer, start, options);
    await mkdir(folder, { recursive: true });
    if (network !== undefined) await keepNetwork(folder, network);
    await writeRecipe(folder, recipe);
    if (report !== undefined) await writeReport(folder, init!, report);
    // Iteration 0 as well: a run killed before its first checkpoint resumes from the same start.
    await storeOf(folder, recipe).write(trainer.checkpoint());
    await writeRecord(folder, {
      format: 2,
      packageVersion,
      data: resolve(data),
      ...(await recordData(whole)),
      init: init === undefined ? null : resolve(init),
    });
    try {
      return await runLoop(trainer, folder, options, { init: report, alignment, validator });
    } catch (error) {
      if (trainer.done === 0) await removeRecord(folder);
      throw error;
    }
  } finally {
    await opened.dispose();
  }
}

/**
 * Continues a run from its newest checkpoint, to the same weights as if it had never stopped.
 * @throws SphereFaceError when the folder holds no run, or its data has changed; UsageError for `iterations` that are already done.
 */
export async function resumeRun(folder: string, options: ResumeOptions = {}): Promise<RunResult> {
  const run = await readRun(folder, options.extensions);
  const data = options.data ?? run.record.data;
  const opened = await openData(data, run.record.data);
  try {
    tellOf(opened, data, options.onWarning);
    const checkpoints = storeOf(folder, run.recipe);
    await checkpoints.clean();
    const checkpoint = await checkpoints.latest(options.onWarning);
    if (checkpoint === undefined) {
      throw new SphereFaceError(`${folder} holds no checkpoint to resume from.`, { next: 'start the run again' });
    }
    const whole = await datasetOfRun(opened, data, run, checkpoint);
    const alignment = alignmentOfRun(opened, data, run, options);
    const recipe = withIterations(withAlignment(run.recipe, alignment), checkpoint.state.iteration, options);
    const { training: dataset, heldOut } = divided(whole, recipe);
    const validator = validatorOf(recipe, heldOut, options, checkpoint.state.validation);
    const extensions = await reopenNetwork(folder, recipe, options.extensions);
    const { backbone } = componentsOf(recipe, extensions);
    const frozen = withPresentNames(dataOf(checkpoint.parameters), backbone);
    await using trainer = await Trainer.create(recipe, dataset, { ...options, extensions, frozen });
    await trainer.restore(checkpoint);
    if (recipe !== run.recipe) await writeRecipe(folder, recipe);
    if (options.data !== undefined) await writeRecord(folder, { ...run.record, data: resolve(data) });
    await logOf(folder).cutBack(trainer.done);
    return await runLoop(trainer, folder, options, { init: undefined, alignment, validator });
  } finally {
    await opened.dispose();
  }
}
