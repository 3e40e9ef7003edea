// The loop of a run: steps, log lines and checkpoints until the iterations are done or the signal stops it, and then the model.
import { join } from 'node:path';
import { type Communicator, gatherValues, onAnyRank } from '../distributed/index.js';
import { classifierPath, writeModel } from '../models/index.js';
import type { RunAlignment } from './alignment.js';
import { CheckpointStore } from './checkpoint.js';
import type { InitReport } from './init.js';
import { type LogLine, TrainingLog } from './log.js';
import { modelOf, writeClassifier } from './model-of.js';
import type { Recipe } from './recipe.js';
import { SnapshotStore } from './snapshots.js';
import { stragglerOf } from './straggler.js';
import type { Trainer, TrainerOptions } from './trainer.js';

/** What a run tells while it goes on. */
export interface RunEvents {
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
  readonly unreadable: readonly { readonly file: string; readonly error: string }[];
}

/** Goes on until the recipe's iterations are done or the signal is aborted; a finished run gets its model. Rank 0 writes for all. */
export async function runLoop(
  trainer: Trainer,
  folder: string,
  { onStart, onStep, onLine, onWarning, signal }: RunOptions,
  about: Pick<RunStart, 'init' | 'alignment'>,
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
  let stopping = await asked();
  while (trainer.done < iterations && !stopping) {
    // Not inside the call: without a listener an optional call does not evaluate its arguments.
    const loss = await trainer.step();
    onStep?.(trainer.done, loss);
    stopping = await asked();
    const last = trainer.done === iterations;
    if (trainer.done % display === 0 || last) {
      lastLine = await trainer.logLine();
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
      await snapshots.write(trainer.done, trainer.weights());
    }
    if (trainer.done % interval === 0 || last || stopping) await checkpoints.write(trainer.checkpoint());
  }
  const finished = trainer.done >= iterations;
  const model = finished ? join(folder, 'model.onnx') : undefined;
  if (model !== undefined) {
    await writeClassifier(trainer, classifierPath(model));
    if (writes) await writeModel(model, modelOf(trainer));
  }
  const unreadable = (await gatherValues(communicator, trainer.unreadable)).flat();
  return {
    folder,
    iteration: trainer.done,
    status: finished ? 'finished' : 'stopped',
    model,
    lastLine,
    // Several ranks may have met the same file.
    unreadable: [...new Map(unreadable.map((image) => [image.file, image])).values()],
  };
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
