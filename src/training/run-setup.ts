// What a run needs before its first step: its start's parameters, the alignment that all agree on, and the data as they were.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';
import { UsageError } from '../common/errors.js';
import {
  type AlignmentSpec,
  describeAlignment,
  type OpenedSource,
  openImageSource,
  sameAlignment,
} from '../images/index.js';
import type { Weights } from '../models/index.js';
import { withPresentNames } from '../nn/index.js';
import { dataOf } from '../models/safetensors.js';
import { agreedAlignment, ownAlignment, type RunAlignment } from './alignment.js';
import type { Checkpoint } from './checkpoint.js';
import { assertSameData, otherNames } from './data-record.js';
import { type Dataset, datasetOf } from './dataset.js';
import { earlierData } from './earlier-data.js';
import { componentsOf } from './extensions.js';
import { initializeFrom, type InitReport, type InitRows } from './init.js';
import { readInitialWeights } from './initial-weights.js';
import type { Recipe } from './recipe.js';
import { checkRows } from './row-check.js';
import type { RunEvents, RunOptions } from './run-loop.js';
import type { readRun } from './run-record.js';
import { learningRate, spansRun } from './schedule.js';
import type { Trainer } from './trainer.js';

export interface StartOptions extends RunOptions {
  /** A folder of identity folders, a zip of one, or a `path label` list. */
  readonly data: string;
  readonly recipe: Recipe;
  /** The alignment that the crops must have; one that the recipe states and is not the default counts as well. Else that of the crops. */
  readonly alignment?: AlignmentSpec;
  /** The run's folder; it must hold no run that has taken a step. */
  readonly folder: string;
  /** A model to copy parameters from. */
  readonly init?: string;
  /** How the rows of its classifier are matched: `by-name` by default. */
  readonly initRows?: InitRows;
}

export interface ResumeOptions extends RunOptions {
  /** Where the run's data lie now; where they were by default. */
  readonly data?: string;
  /** Optimizer steps that the run shall have in all; the recipe's by default. */
  readonly iterations?: number;
}

/** The weights that a run starts from, under the names that its backbone gives them now. */
export async function startOf(path: string, { recipe, extensions }: StartOptions): Promise<Weights> {
  const weights = await readInitialWeights(path);
  const { backbone } = componentsOf(recipe, extensions);
  return { ...weights, parameters: withPresentNames(weights.parameters, backbone) };
}

/** Fills the trainer's parameters from a model, and warns of a classifier that does not come along or does not know the people. */
export async function initialise(trainer: Trainer, given: Weights, options: StartOptions): Promise<InitReport> {
  const { init = '', initRows = 'by-name', onWarning, threads } = options;
  const { store, dataset, recipe } = trainer;
  const values = dataOf(store.valueTensors());
  const target = { specs: store.specs, values, identities: dataset.identities, firstRow: trainer.rows.first };
  const report = initializeFrom(target, given, initRows, init);
  store.setValues(values);
  trainer.renormalise();
  const { rows } = report;
  if (rows === undefined) {
    if (recipe.start !== 'model') return report;
    const why = initRows === 'fresh' ? '--init-rows fresh says' : `${init} holds none that fits`;
    onWarning?.(
      `the classifier starts fresh, as ${why}: a short fine-tune may not recover from that. ` +
        'A run has its classifier in its checkpoints: --init RUN',
    );
  } else if (rows.matched.length === 0) {
    onWarning?.(
      `none of the ${rows.fresh.length} identities of the data is among the ${rows.leftBehind.length} of ${init}: no row of its classifier was copied`,
    );
  } else {
    const { images, recognised, byChance } = await checkRows(trainer, rows.matched, threads);
    if (!byChance) return report;
    onWarning?.(
      `the ${rows.matched.length} rows copied from ${init} recognise ${recognised} of ${images} images of their people, no more than by chance: ` +
        'if other people have the same names there, give --init-rows fresh',
    );
  }
  return report;
}

/** What `--init` did, in full: the names on the terminal are only the first. */
export async function writeReport(folder: string, init: string, report: InitReport): Promise<void> {
  await writeFileAtomic(join(folder, 'init.json'), `${JSON.stringify({ model: resolve(init), ...report }, null, 2)}\n`);
}

export function tellOf(opened: OpenedSource, data: string, warn: RunEvents['onWarning']): void {
  if (opened.refused.length > 0) warn?.(`${opened.refused.length} files of ${data} were refused`);
  for (const text of opened.warnings) warn?.(text);
}

/** What recipe, start and data agree on. */
export function alignmentOf(options: StartOptions, opened: OpenedSource, given: Weights | undefined): RunAlignment {
  const { recipe, data, init } = options;
  const own = options.alignment ?? ownAlignment(recipe.input);
  return agreedAlignment(recipe.input, {
    ...(own === undefined ? {} : { recipe: own }),
    ...(given?.input === undefined ? {} : { start: { name: init!, alignment: given.input.alignment } }),
    ...dataAlignment(opened, data),
  });
}

/** The data may not state another alignment than they did. What version 0.1 took for granted counts for nothing. */
export function alignmentOfRun(
  opened: OpenedSource,
  data: string,
  { recipe, record }: Run,
  { onWarning }: RunEvents,
): RunAlignment {
  const assumed = record.format === 1 && ownAlignment(recipe.input) === undefined;
  const agreed = agreedAlignment(recipe.input, {
    ...(assumed ? {} : { recipe: recipe.input.alignment }),
    ...dataAlignment(opened, data),
  });
  if (!sameAlignment(agreed.alignment, recipe.input.alignment)) {
    onWarning?.(
      `version 0.1 took the crops to be aligned by ${describeAlignment(recipe.input.alignment)}; they state ${describeAlignment(agreed.alignment)}, and the run now says so`,
    );
  }
  return agreed;
}

function dataAlignment({ alignment }: OpenedSource, name: string) {
  return alignment === undefined ? {} : { data: { name, alignment } };
}

export function withAlignment(recipe: Recipe, { alignment }: RunAlignment): Recipe {
  return sameAlignment(recipe.input.alignment, alignment)
    ? recipe
    : { ...recipe, input: { ...recipe.input, alignment: { ...alignment } } };
}

type Run = Awaited<ReturnType<typeof readRun>>;

/** Opens the data of a run that goes on. */
export async function openData(path: string, recorded: string): Promise<OpenedSource> {
  if ((await stat(path).catch(() => undefined)) === undefined && path === recorded) {
    throw new UsageError(`The run's data are no longer at ${path}.`, {
      next: 'give their new place: sphereface train --resume RUN --data DATA',
    });
  }
  return openImageSource(path);
}

/** The data of a run that goes on: its classes in the order of the checkpoint's rows, its images in their own. */
export async function datasetOfRun(
  opened: OpenedSource,
  path: string,
  { recipe, record }: Run,
  checkpoint: Checkpoint,
): Promise<Dataset> {
  switch (record.format) {
    case 1: {
      const { classes, fingerprint } = earlierData(opened, recipe.data.minimumImages);
      const dataset = datasetOf(opened, recipe.data, { classes, images: 'source' });
      if (fingerprint !== record.fingerprint) throw otherNames(dataset, record, path);
      return dataset;
    }
    case 2: {
      const dataset = datasetOf(opened, recipe.data, { classes: checkpoint.identities ?? record.identities });
      await assertSameData(dataset, record, path);
      return dataset;
    }
    default:
      return record satisfies never;
  }
}

/** The recipe with another number of iterations, if one is asked for. */
export function withIterations(recipe: Recipe, done: number, { iterations, onWarning }: ResumeOptions): Recipe {
  const { solver } = recipe;
  if (iterations === undefined || iterations === solver.iterations) return recipe;
  if (iterations <= done) {
    throw new UsageError('The run has already come further.', {
      got: `${iterations} iterations`,
      expected: `more than the ${done} that are done`,
    });
  }
  const changed = { ...recipe, solver: { ...solver, iterations } };
  if (spansRun(solver.schedule)) {
    const [before, after] = [learningRate(solver, done), learningRate(changed.solver, done + 1)];
    onWarning?.(
      `the ${solver.schedule.type} schedule spans all iterations: stretched from ${solver.iterations} to ${iterations}, it goes on at a rate of ` +
        `${after.toPrecision(3)} after ${before.toPrecision(3)}, and the result is not that of a run of ${iterations} from the start`,
    );
  }
  return changed;
}
