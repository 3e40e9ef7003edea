// The loop of a run: steps, log lines and checkpoints until the iterations are done or the signal stops it, and then the model.
import { join } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';
import { classifierPath, encodeWeights, writeModel } from '../models/index.js';
import type { RunAlignment } from './alignment.js';
import { CheckpointStore } from './checkpoint.js';
import type { InitReport } from './init.js';
import { type LogLine, TrainingLog } from './log.js';
import { classifierOf, modelOf } from './model-of.js';
import type { Recipe } from './recipe.js';
import type { Trainer, TrainerOptions } from './trainer.js';

/** What a run tells while it goes on. */
export interface RunEvents {
  /** While classifier rows are made from images of people whom the start does not know: images done, of how many. */
  readonly onCentring?: (done: number, total: number) => void;
  /** Before the first step. */
  readonly onStart?: (start: RunStart) => void;
  /** After each optimizer step. */
  readonly onStep?: (iteration: number, loss: number) => void;
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
  readonly unreadable: readonly { readonly file: string; readonly error: string }[];
}

/** Goes on until the recipe's iterations are done or the signal is aborted; a finished run gets its model. */
export async function runLoop(
  trainer: Trainer,
  folder: string,
  { onStart, onStep, onLine, onWarning, signal }: RunOptions,
  about: Pick<RunStart, 'init' | 'alignment'>,
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
    device: trainer.device,
    iteration: trainer.done,
    ...about,
  });
  let lastLine: LogLine | undefined;
  let reported = 0;
  const stopping = () => signal?.aborted === true;
  while (trainer.done < iterations && !stopping()) {
    // Not inside the call: without a listener an optional call does not evaluate its arguments.
    const loss = await trainer.step();
    onStep?.(trainer.done, loss);
    const last = trainer.done === iterations;
    if (trainer.done % display === 0 || last) {
      lastLine = await trainer.logLine();
      await log.append(lastLine);
      onLine?.(lastLine);
    }
    for (const { file, error } of trainer.unreadable.slice(reported)) onWarning?.(`${file}: ${error}`);
    reported = trainer.unreadable.length;
    if (trainer.done % interval === 0 || last || stopping()) await checkpoints.write(trainer.checkpoint());
  }
  const finished = trainer.done >= iterations;
  const model = finished ? join(folder, 'model.onnx') : undefined;
  if (model !== undefined) {
    await writeFileAtomic(classifierPath(model), encodeWeights(classifierOf(trainer)));
    await writeModel(model, modelOf(trainer));
  }
  return {
    folder,
    iteration: trainer.done,
    status: finished ? 'finished' : 'stopped',
    model,
    lastLine,
    unreadable: [...trainer.unreadable],
  };
}

/** The checkpoints of a run. */
export function storeOf(folder: string, recipe: Recipe): CheckpointStore {
  return new CheckpointStore(join(folder, 'checkpoints'), recipe.log.keep);
}

/** The log of a run. */
export function logOf(folder: string): TrainingLog {
  return new TrainingLog(join(folder, 'log.jsonl'));
}
