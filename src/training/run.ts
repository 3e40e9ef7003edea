// A run: a folder with the recipe, the log, the checkpoints and at the end the model; started once, resumed as often as needed.
import { resolve } from 'node:path';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { packageVersion } from '../common/version.js';
import { oneProcess, together } from '../distributed/index.js';
import { openImageSource } from '../images/index.js';
import { dataOf } from '../models/safetensors.js';
import { withPresentNames } from '../nn/index.js';
import { assertUsable, recordData } from './data-record.js';
import { datasetOf } from './dataset.js';
import { componentsOf } from './extensions.js';
import { FormFiles } from './form-files.js';
import { divided } from './held-out.js';
import { keepNetwork, openNetwork, reopenNetwork } from './network-file.js';
import { claimRun } from './run-claim.js';
import { logOf, type RunEvents, type RunResult, runLoop, storeOf } from './run-loop.js';
import { assertFree, readRun, removeRecord, startAnew, writeRecipe, writeRecord } from './run-record.js';
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
import { assertSameRun } from './same-run.js';
import { Trainer } from './trainer.js';
import { validatorOf } from './validation.js';

/**
 * Trains a model from a recipe. With a communicator every rank calls it with the same options; rank 0 writes.
 * @throws UsageError when the folder already holds a run, or the recipe is a fine-tune and `init` is missing; SphereFaceError when another
 * process is at work in the folder, data, recipe and start do not fit together, or ranks do not have the same; TrainingAnomaly when the guard
 * stops it.
 */
export async function startRun(given: StartOptions): Promise<RunResult> {
  const { communicator = oneProcess } = given;
  const writes = communicator.rank === 0;
  const { folder, data } = given;
  await using _claim = await claimRun(folder, communicator);
  const { network, options } = await together(communicator, async () => {
    if (writes) {
      const store = storeOf(folder, given.recipe, communicator);
      await assertFree(folder, store, logOf(folder));
      await store.clean();
    }
    const network = await openNetwork(given);
    const options = withNetwork(writes ? given : withoutCommonWarnings(given), network);
    assertHasStart(options);
    return { network, options };
  });
  const { init, onWarning } = options;
  const opened = await together(communicator, () => openImageSource(data));
  try {
    tellOf(opened, data, onWarning);
    const { weights, alignment, recipe, parts, record } = await together(communicator, async () => {
      const weights = await startOf(options, network);
      const alignment = alignmentOf(options, opened, weights);
      const recipe = withAlignment(options.recipe, alignment);
      const whole = datasetOf(opened, recipe.data);
      await assertUsable(whole, recipe);
      return { weights, alignment, recipe, parts: divided(whole, recipe), record: await recordData(whole) };
    });
    const { training: dataset, heldOut } = parts;
    const validator = validatorOf(recipe, heldOut, options);
    const frozen = weights === undefined ? undefined : dataOf(weights.parameters);
    await using trainer = await Trainer.create(recipe, dataset, { forms: new FormFiles(folder), ...options, frozen });
    const report = weights === undefined ? undefined : await initialise(trainer, weights, options);
    await assertSameRun(trainer, record);
    if (writes) {
      if (network !== undefined) await keepNetwork(folder, network);
      await writeRecipe(folder, recipe);
      if (report !== undefined) await writeReport(folder, init!, report);
    }
    // Iteration 0 as well: a run killed before its first checkpoint resumes from the same start.
    await storeOf(folder, recipe, communicator).write(await trainer.checkpoint());
    if (writes) {
      await writeRecord(folder, {
        format: 2,
        packageVersion,
        data: resolve(data),
        ...record,
        init: init === undefined ? null : resolve(init),
      });
    }
    try {
      return await runLoop(trainer, folder, given, { init: report, alignment, validator });
    } catch (error) {
      if (writes && trainer.done === 0) await removeRecord(folder);
      throw error;
    }
  } finally {
    await opened.dispose();
  }
}

/**
 * Continues a run from its newest checkpoint, to the same weights as if it had never stopped; on any number of ranks, and to the same bits
 * on the same number.
 * @throws SphereFaceError when the folder holds no run, another process is at work on it, or its data has changed; UsageError for
 * `iterations` that are already done.
 */
export async function resumeRun(folder: string, given: ResumeOptions = {}): Promise<RunResult> {
  const { communicator = oneProcess } = given;
  const writes = communicator.rank === 0;
  const options = writes ? given : withoutCommonWarnings(given);
  const { onWarning } = options;
  // Before the claim, which writes: a folder that holds no run is left as it is.
  await together(communicator, () => readRun(folder, options.extensions));
  await using _claim = await claimRun(folder, communicator);
  const { run, data, opened } = await together(communicator, async () => {
    const run = await readRun(folder, options.extensions);
    const data = options.data ?? run.record.data;
    const opened = await openData(data, run.record.data);
    // Before any rank looks for the newest.
    if (writes) await storeOf(folder, run.recipe, communicator).clean();
    return { run, data, opened };
  });
  try {
    tellOf(opened, data, onWarning);
    const { checkpoint, parts, alignment, recipe, extensions } = await together(communicator, async () => {
      const checkpoint = await storeOf(folder, run.recipe, communicator).latest(onWarning);
      if (checkpoint === undefined) {
        throw new SphereFaceError(`${folder} holds no checkpoint to resume from.`, { next: startAnew(folder) });
      }
      const whole = await datasetOfRun(opened, data, run, checkpoint);
      const alignment = alignmentOfRun(opened, data, run, options);
      const recipe = withIterations(withAlignment(run.recipe, alignment), checkpoint.state.iteration, options);
      const extensions = await reopenNetwork(folder, recipe, options.extensions);
      return { checkpoint, parts: divided(whole, recipe), alignment, recipe, extensions };
    });
    const { training: dataset, heldOut } = parts;
    const validator = validatorOf(recipe, heldOut, options, checkpoint.state.validation);
    const { backbone } = componentsOf(recipe, extensions);
    const frozen = withPresentNames(dataOf(checkpoint.parameters), backbone);
    await using trainer = await Trainer.create(recipe, dataset, {
      forms: new FormFiles(folder),
      ...options,
      extensions,
      frozen,
    });
    await trainer.restore(checkpoint);
    await assertSameRun(trainer, { sample: [], ...run.record });
    if (writes) {
      await storeOf(folder, recipe, communicator).setAsideAfter(trainer.done, onWarning);
      if (recipe !== run.recipe) await writeRecipe(folder, recipe);
      if (options.data !== undefined) await writeRecord(folder, { ...run.record, data: resolve(data) });
      await logOf(folder).cutBack(trainer.done);
    }
    return await runLoop(trainer, folder, given, { init: undefined, alignment, validator });
  } finally {
    await opened.dispose();
  }
}

/** What is odd about data and start, all ranks see alike: rank 0 tells it. */
function withoutCommonWarnings<T extends RunEvents>(options: T): T {
  return { ...options, onWarning: undefined };
}

/** @throws UsageError for a fine-tune of nothing. */
function assertHasStart({ recipe, init }: StartOptions): void {
  if (recipe.start !== 'model' || init !== undefined) return;
  throw new UsageError(`The recipe ${recipe.name} is a fine-tune: it needs a trained model to start from.`, {
    got: 'no model',
    next: 'give the folder of a finished run of the same m with --init RUN, or start from nothing with --set start=scratch',
  });
}
