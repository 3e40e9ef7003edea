// The loop of a run: steps, log lines and checkpoints until the iterations are done or the signal stops it, and then the model.
import { join } from 'node:path';
import { type Communicator, gatherValues, onAnyRank } from '../distributed/index.js';
import { classifierPath, writeModel } from '../models/index.js';
import type { RunAlignment } from './alignment.js';
import { type Checkpoint, CheckpointStore } from './checkpoint.js';
import { writeClassifier } from './classifier-file.js';
import type { InitReport } from './init.js';
import { type LogLine, TrainingLog } from './log.js';
import { modelOfWeights } from './model-of.js';
import type { Recipe } from './recipe.js';
import { SnapshotStore } from './snapshots.js';
import { stragglerOf } from './straggler.js';
import type { Trainer, TrainerOptions } from './trainer.js';
import type { Validator } from './validation.js';
import type { Measurement, ValidationState } from './validation-state.js';

/** What a run tells while it goes on. */
export interface RunEvents {
  /** While classifier rows are made from images of people whom the start does not know: images done, of how many. */
  readonly onCentring?: (done: number, total: number) => void;
  /** Before the first step. */
  readonly onStart?: (start: RunStart) => void;
  /** After each optimizer step. */
  readonly onStep?: (iteration: number, loss: number) => void;
  /** With each measurement on people held out, the first before the first step. */
  readonly onMeasurement?: (measurement: Measurement) => void;
  /** With each line of log.jsonl. */
  readonly onLine?: (line: LogLine) => void;
  /** Something worth knowing that does not stop the run. */
  readonly onWarning?: (text: string) => void;
}

/** What is known when a run begins or goes on. */
export interface RunStart {
  /** Resolved in full: its `input.alignment` is the one that was agreed on. */
  readonly recipe: Recipe;
  readonly images: number;
  readonly identities: number;
  /** Identities left out by `data.minimumImages`. */
  readonly leftOut: number;
  /** Identities held out by `validation`. */
  readonly heldOut: number;
  readonly device: string;
  /** The processes that train: how many, and through what they exchange. */
  readonly ranks: { readonly count: number; readonly description: string };
  /** 0 for a new run. */
  readonly iteration: number;
  readonly init: InitReport | undefined;
  /** How the crops are aligned, and who says so. */
  readonly alignment: RunAlignment;
}

export interface RunOptions extends TrainerOptions, RunEvents {
  /** When aborted, on any rank, the step in progress is finished and a checkpoint is written. */
  readonly signal?: AbortSignal;
}

/** How a run ended. */
export interface RunResult {
  readonly folder: string;
  readonly iteration: number;
  /** `stopped`: the signal was aborted; the run can be resumed. */
  readonly status: 'finished' | 'stopped';
  /** The model file of a finished run. */
  readonly model: string | undefined;
  readonly lastLine: LogLine | undefined;
  /** How a run with `validation` did: its model is its best state. */
  readonly validation: ValidationState | undefined;
  readonly unreadable: readonly { readonly file: string; readonly error: string }[];
}

/**
 * Goes on until the recipe's iterations are done, measurements have been worse for long enough, or the signal is aborted; a finished run
 * gets its model. Rank 0 writes for all.
 */
export async function runLoop(
  trainer: Trainer,
  folder: string,
  { onStart, onStep, onMeasurement, onLine, onWarning, signal }: RunOptions,
  { validator, ...about }: Pick<RunStart, 'init' | 'alignment'> & { readonly validator: Validator | undefined },
): Promise<RunResult> {
  const { recipe, dataset, communicator } = trainer;
  const writes = communicator.rank === 0;
  const { display, checkpoint: interval, snapshots: snapshotInterval } = recipe.log;
  const { iterations } = recipe.solver;
  const checkpoints = storeOf(folder, recipe, communicator);
  const snapshots = snapshotsOf(folder);
  const log = logOf(folder);
  onStart?.({
    recipe,
    images: dataset.labels.length,
    identities: dataset.identities.length,
    leftOut: dataset.leftOut,
    heldOut: validator?.identities ?? 0,
    device: trainer.device,
    ranks: { count: communicator.size, description: communicator.description },
    iteration: trainer.done,
    ...about,
  });
  let lastLine: LogLine | undefined;
  let reported = 0;
  let slowest: number | undefined;
  // Agreed upon, so that all ranks stop after the same step.
  const asked = () => onAnyRank(communicator, signal?.aborted === true);
  const finished = () => trainer.done >= iterations || validator?.isOver === true;
  const measure = async (): Promise<Measurement | undefined> => {
    const known = new Set(validator?.unreadable.keys());
    const measurement = await validator?.measure(trainer);
    if (measurement !== undefined) onMeasurement?.(measurement);
    for (const [file, error] of validator?.unreadable ?? []) if (!known.has(file)) onWarning?.(`${file}: ${error}`);
    return measurement;
  };
  if (validator?.state === undefined) await measure();
  let stopping = await asked();
  while (!finished() && !stopping) {
    // Not inside the call: without a listener an optional call does not evaluate its arguments.
    const loss = await trainer.step();
    onStep?.(trainer.done, loss);
    const measurement = validator?.isDue(trainer.done) === true ? await measure() : undefined;
    stopping = await asked();
    const last = finished();
    if (trainer.done % display === 0 || last || measurement !== undefined) {
      lastLine = await trainer.logLine(measurement);
      if (writes) await log.append(lastLine);
      onLine?.(lastLine);
      const straggler = stragglerOf(lastLine.rankSeconds);
      // Once for each that is new: the log has the seconds of every line.
      if (writes && straggler !== undefined && straggler.rank !== slowest) onWarning?.(straggler.inWords(communicator));
      slowest = straggler?.rank;
    }
    for (const { file, error } of trainer.unreadable.slice(reported)) onWarning?.(`${file}: ${error}`);
    reported = trainer.unreadable.length;
    // Before the checkpoint: what a resumed run goes on from has all its snapshots.
    if (writes && snapshotInterval !== null && (trainer.done % snapshotInterval === 0 || last)) {
      await snapshots.write(trainer.done, await trainer.weights());
    }
    const best = measurement !== undefined && validator?.state?.best.iteration === trainer.done;
    if (trainer.done % interval === 0 || last || best || stopping) {
      await checkpoints.write(withValidation(await trainer.checkpoint(), validator?.state));
    }
  }
  const model = finished() ? join(folder, 'model.onnx') : undefined;
  if (model !== undefined) {
    const weights = await checkpoints.best(withValidation(await trainer.checkpoint(), validator?.state));
    await writeClassifier(trainer, weights, classifierPath(model));
    if (writes) await writeModel(model, modelOfWeights(recipe, weights, trainer.extensions));
  }
  const unreadable = (await gatherValues(communicator, trainer.unreadable)).flat();
  return {
    folder,
    iteration: trainer.done,
    status: finished() ? 'finished' : 'stopped',
    model,
    lastLine,
    validation: validator?.state,
    // Several ranks may have met the same file.
    unreadable: [...new Map(unreadable.map((image) => [image.file, image])).values()],
  };
}

/** A checkpoint that remembers the run's measurements, if there are any. */
function withValidation(checkpoint: Checkpoint, validation: ValidationState | undefined): Checkpoint {
  return validation === undefined ? checkpoint : { ...checkpoint, state: { ...checkpoint.state, validation } };
}

/** The checkpoints of a run. */
export function storeOf(folder: string, { log, solver }: Recipe, communicator: Communicator): CheckpointStore {
  const sharing = { communicator, divided: solver.classifier === 'sharded' };
  return new CheckpointStore(join(folder, 'checkpoints'), log.keep, sharing);
}

/** The snapshots of a run. */
export function snapshotsOf(folder: string): SnapshotStore {
  return new SnapshotStore(join(folder, 'snapshots'));
}

/** The log of a run. */
export function logOf(folder: string): TrainingLog {
  return new TrainingLog(join(folder, 'log.jsonl'));
}
