// The loop of a run: steps, log lines and checkpoints until the iterations are done or the signal stops it, and then the model.
import { join } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';
import { classifierPath, encodeWeights, writeModel } from '../models/index.js';
import type { RunAlignment } from './alignment.js';
import { type Checkpoint, CheckpointStore } from './checkpoint.js';
import type { InitReport } from './init.js';
import { type LogLine, TrainingLog } from './log.js';
import { classifierOf, modelOfWeights } from './model-of.js';
import type { Recipe } from './recipe.js';
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
  /** 0 for a new run. */
  readonly iteration: number;
  readonly init: InitReport | undefined;
  /** How the crops are aligned, and who says so. */
  readonly alignment: RunAlignment;
}

export interface RunOptions extends TrainerOptions, RunEvents {
  /** When aborted, the step in progress is finished and a checkpoint is written. */
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
 * gets its model.
 */
export async function runLoop(
  trainer: Trainer,
  folder: string,
  { onStart, onStep, onMeasurement, onLine, onWarning, signal }: RunOptions,
  { validator, ...about }: Pick<RunStart, 'init' | 'alignment'> & { readonly validator: Validator | undefined },
): Promise<RunResult> {
  const { recipe, dataset } = trainer;
  const { display, checkpoint: interval } = recipe.log;
  const { iterations } = recipe.solver;
  const checkpoints = storeOf(folder, recipe);
  const log = logOf(folder);
  onStart?.({
    recipe,
    images: dataset.labels.length,
    identities: dataset.identities.length,
    leftOut: dataset.leftOut,
    heldOut: validator?.identities ?? 0,
    device: trainer.device,
    iteration: trainer.done,
    ...about,
  });
  let lastLine: LogLine | undefined;
  let reported = 0;
  const stopping = () => signal?.aborted === true;
  const finished = () => trainer.done >= iterations || validator?.isOver === true;
  const measure = async (): Promise<Measurement | undefined> => {
    const known = new Set(validator?.unreadable.keys());
    const measurement = await validator?.measure(trainer);
    if (measurement !== undefined) onMeasurement?.(measurement);
    for (const [file, error] of validator?.unreadable ?? []) if (!known.has(file)) onWarning?.(`${file}: ${error}`);
    return measurement;
  };
  if (validator?.state === undefined) await measure();
  while (!finished() && !stopping()) {
    // Not inside the call: without a listener an optional call does not evaluate its arguments.
    const loss = await trainer.step();
    onStep?.(trainer.done, loss);
    const measurement = validator?.isDue(trainer.done) === true ? await measure() : undefined;
    const last = finished();
    if (trainer.done % display === 0 || last || measurement !== undefined) {
      lastLine = await trainer.logLine(measurement);
      await log.append(lastLine);
      onLine?.(lastLine);
    }
    for (const { file, error } of trainer.unreadable.slice(reported)) onWarning?.(`${file}: ${error}`);
    reported = trainer.unreadable.length;
    const best = measurement !== undefined && validator?.state?.best.iteration === trainer.done;
    if (trainer.done % interval === 0 || last || best || stopping()) {
      await checkpoints.write(withValidation(trainer.checkpoint(), validator?.state));
    }
  }
  const model = finished() ? join(folder, 'model.onnx') : undefined;
  if (model !== undefined) {
    const weights = await checkpoints.best(withValidation(trainer.checkpoint(), validator?.state));
    await writeFileAtomic(classifierPath(model), encodeWeights(classifierOf(trainer, weights)));
    await writeModel(model, modelOfWeights(recipe, weights, trainer.extensions));
  }
  return {
    folder,
    iteration: trainer.done,
    status: finished() ? 'finished' : 'stopped',
    model,
    lastLine,
    validation: validator?.state,
    unreadable: [...trainer.unreadable],
  };
}

/** A checkpoint that remembers the run's measurements, if there are any. */
function withValidation(checkpoint: Checkpoint, validation: ValidationState | undefined): Checkpoint {
  return validation === undefined ? checkpoint : { ...checkpoint, state: { ...checkpoint.state, validation } };
}

/** The checkpoints of a run. */
export function storeOf(folder: string, recipe: Recipe): CheckpointStore {
  return new CheckpointStore(join(folder, 'checkpoints'), recipe.log.keep);
}

/** The log of a run. */
export function logOf(folder: string): TrainingLog {
  return new TrainingLog(join(folder, 'log.jsonl'));
}
