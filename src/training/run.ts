// A run: a folder with the recipe, the log, the checkpoints and at the end the model; started once, resumed as often as needed.
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../common/atomic.js';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { openImageSource } from '../images/formats/index.js';
import { packageVersion } from '../common/version.js';
import { encodeMetadata, writeModel } from '../models/index.js';
import { CheckpointStore } from './checkpoint.js';
import { type Dataset, datasetOf } from './dataset.js';
import { initializeFrom, type InitReport, readInitParameters } from './init.js';
import { type LogLine, TrainingLog } from './log.js';
import { classifierName, embeddingModel } from './network.js';
import { parseRecipe, type Recipe } from './recipe.js';
import { dataOf } from '../models/safetensors.js';
import { Trainer, type TrainerOptions } from './trainer.js';

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
  readonly recipe: Recipe;
  readonly images: number;
  readonly identities: number;
  /** Identities left out by `data.minimumImages`. */
  readonly leftOut: number;
  readonly device: string;
  /** 0 for a new run. */
  readonly iteration: number;
  readonly init: InitReport | undefined;
}

export interface RunOptions extends TrainerOptions, RunEvents {
  /** When aborted, the step in progress is finished and a checkpoint is written. */
  readonly signal?: AbortSignal;
}

export interface StartOptions extends RunOptions {
  /** A folder of identity folders, a zip of one, or a `path label` list. */
  readonly data: string;
  readonly recipe: Recipe;
  /** The run's folder; it must hold no run yet. */
  readonly folder: string;
  /** A model to copy parameters from. */
  readonly init?: string;
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

const runFile = 'run.json';
const recipeFile = 'recipe.json';

const runSchema = z.strictObject({
  format: z.literal(1),
  packageVersion: z.string(),
  /** Absolute path of the data. */
  data: z.string(),
  images: z.int(),
  identities: z.int(),
  fingerprint: z.string(),
  init: z.string().nullable(),
});

/**
 * Trains a model from a recipe.
 * @throws UsageError when the folder already holds a run, or the recipe is a fine-tune and `init` is missing; TrainingAnomaly when
 * the guard stops it.
 */
export async function startRun(options: StartOptions): Promise<RunResult> {
  const { recipe, folder, data, init } = options;
  if ((await readFile(join(folder, runFile)).catch(() => undefined)) !== undefined) {
    throw new UsageError(`${folder} already holds a run.`, {
      next: `continue it with sphereface train --resume ${folder}, or give another folder with -o`,
    });
  }
  if (recipe.start === 'model' && init === undefined) {
    throw new UsageError(`The recipe ${recipe.name} is a fine-tune: it needs a trained model to start from.`, {
      got: 'no model',
      next: 'give the folder of a finished run of the same m with --init RUN, or start from nothing with --set start=scratch',
    });
  }
  const opened = await openImageSource(data);
  try {
    if (opened.refused.length > 0) options.onWarning?.(`${opened.refused.length} files of ${data} were refused`);
    const dataset = datasetOf(opened, recipe.data.minimumImages);
    const given = init === undefined ? undefined : await readInitParameters(init);
    const frozen = given === undefined ? undefined : dataOf(given);
    await using trainer = await Trainer.create(recipe, dataset, { ...options, frozen });
    let report: InitReport | undefined;
    if (given !== undefined) {
      const values = dataOf(trainer.store.valueTensors());
      report = initializeFrom(trainer.store.specs, values, given);
      if (recipe.start === 'model' && !report.copied.includes(classifierName)) {
        options.onWarning?.(
          `the classifier starts fresh, as ${init} holds none that fits: a short fine-tune may not recover from that. ` +
            'A run has its classifier in its checkpoints: --init RUN',
        );
      }
      trainer.store.setValues(values);
      trainer.renormalise();
    }
    await mkdir(folder, { recursive: true });
    await writeFileAtomic(join(folder, recipeFile), `${JSON.stringify(recipe, null, 2)}\n`);
    const checkpoints = storeOf(folder, recipe);
    // Iteration 0 as well: a run killed before its first checkpoint resumes from the same start.
    await checkpoints.write(trainer.checkpoint());
    const about: z.output<typeof runSchema> = {
      format: 1,
      packageVersion,
      data: resolve(data),
      images: dataset.labels.length,
      identities: dataset.identities.length,
      fingerprint: dataset.fingerprint,
      init: init === undefined ? null : resolve(init),
    };
    await writeFileAtomic(join(folder, runFile), `${JSON.stringify(about, null, 2)}\n`);
    return await loop(trainer, folder, checkpoints, options, report);
  } finally {
    await opened.dispose();
  }
}

/**
 * Continues a run from its newest checkpoint, to the same weights as if it had never stopped.
 * @throws SphereFaceError when the folder holds no run, or its data has changed.
 */
export async function resumeRun(folder: string, options: RunOptions = {}): Promise<RunResult> {
  const about = runSchema.parse(JSON.parse(await readRunFile(folder, runFile)));
  const recipe = parseRecipe(JSON.parse(await readRunFile(folder, recipeFile)), `${folder}/${recipeFile}`);
  const opened = await openImageSource(about.data);
  try {
    const dataset = datasetOf(opened, recipe.data.minimumImages);
    assertSameData(dataset, about);
    const checkpoints = storeOf(folder, recipe);
    await checkpoints.clean();
    const checkpoint = await checkpoints.latest(options.onWarning);
    if (checkpoint === undefined) {
      throw new SphereFaceError(`${folder} holds no checkpoint to resume from.`, { next: 'start the run again' });
    }
    const frozen = dataOf(checkpoint.parameters);
    await using trainer = await Trainer.create(recipe, dataset, { ...options, frozen });
    await trainer.restore(checkpoint);
    await new TrainingLog(join(folder, 'log.jsonl')).cutBack(trainer.done);
    return await loop(trainer, folder, checkpoints, options, undefined);
  } finally {
    await opened.dispose();
  }
}

async function loop(
  trainer: Trainer,
  folder: string,
  checkpoints: CheckpointStore,
  { onStart, onStep, onLine, onWarning, signal }: RunOptions,
  init: InitReport | undefined,
): Promise<RunResult> {
  const { recipe, dataset } = trainer;
  const { display, checkpoint: interval } = recipe.log;
  const { iterations } = recipe.solver;
  const log = new TrainingLog(join(folder, 'log.jsonl'));
  onStart?.({
    recipe,
    images: dataset.labels.length,
    identities: dataset.identities.length,
    leftOut: dataset.leftOut,
    device: trainer.device,
    iteration: trainer.done,
    init,
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
  if (model !== undefined) await writeModel(model, modelOf(trainer));
  return {
    folder,
    iteration: trainer.done,
    status: finished ? 'finished' : 'stopped',
    model,
    lastLine,
    unreadable: [...trainer.unreadable],
  };
}

/** The embedding network with the trained parameters and the metadata that every reader obeys. */
function modelOf({ recipe, store }: Trainer): Uint8Array {
  const metadata = { input: recipe.input, embeddingSize: recipe.network.embeddingSize, recipe: JSON.stringify(recipe) };
  return embeddingModel(recipe, dataOf(store.valueTensors()), encodeMetadata(metadata));
}

function storeOf(folder: string, recipe: Recipe): CheckpointStore {
  return new CheckpointStore(join(folder, 'checkpoints'), recipe.log.keep);
}

async function readRunFile(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
    throw new SphereFaceError(`${folder} holds no run.`, {
      got: `no readable ${name}`,
      expected: 'the folder that sphereface train -o wrote',
      cause,
    });
  });
}

function assertSameData(dataset: Dataset, about: z.output<typeof runSchema>): void {
  if (dataset.fingerprint === about.fingerprint) return;
  throw new SphereFaceError('The data is not what the run was started with.', {
    got: `${dataset.labels.length} images of ${dataset.identities.length} identities`,
    expected: `${about.images} images of ${about.identities} identities, with the same names`,
    next: `restore ${about.data}, or start a new run from this one with --init`,
  });
}
