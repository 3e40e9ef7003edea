// What a run needs before its first step: its start's parameters, the alignment that all agree on, and the data as they were.
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';
import { UsageError } from '../common/errors.js';
import { exists } from '../common/exists.js';
import {
  describeAlignment,
  type InputSpec,
  type OpenedSource,
  openImageSource,
  sameAlignment,
} from '../images/index.js';
import type { Weights } from '../models/index.js';
import { withPresentNames } from '../nn/index.js';
import { dataOf } from '../models/safetensors.js';
import { agreedAlignment, ownAlignment, type RunAlignment } from './alignment.js';
import { centreRows } from './centred-rows.js';
import type { Checkpoint } from './checkpoint.js';
import { assertSameData, otherNames } from './data-record.js';
import { datasetOf } from './dataset.js';
import type { Dataset } from './labelled-images.js';
import { earlierData } from './earlier-data.js';
import { componentsOf } from './extensions.js';
import { initializeFrom, type InitReport, type InitRows } from './init.js';
import { readInitialWeights, weightsOf } from './initial-weights.js';
import type { FileNetwork } from './network-file.js';
import { ownInput } from './network-input.js';
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
  /**
   * What of its `input` the recipe states itself; by default what is not the default of recipes. The rest is taken from the crops (how
   * they were aligned) and from a network's file.
   */
  readonly statedInput?: Partial<InputSpec>;
  /** The input convention of a network's file that does not state its own. */
  readonly inputSpec?: InputSpec;
  /** The run's folder; it must hold no run that has taken a step. */
  readonly folder: string;
  /** A model to copy parameters from, and to take the network from where the recipe leaves that to it. */
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

/** The options of a run whose network has been read from its file; without one, those given. That file is then the start, if no other is. */
export function withNetwork(options: StartOptions, network: FileNetwork | undefined): StartOptions {
  if (network === undefined) return options;
  return {
    ...options,
    statedInput: options.statedInput ?? ownInput(options.recipe.input),
    recipe: network.recipe,
    extensions: network.extensions,
    init: options.init ?? network.path,
  };
}

/** The weights that a run starts from, under the names that its backbone gives them now; `undefined` where it starts from none. */
export async function startOf(
  { init, recipe, extensions }: StartOptions,
  network: FileNetwork | undefined,
): Promise<Weights | undefined> {
  if (network?.isStart === true) {
    const { bytes, path, statesInput } = network;
    const weights = await weightsOf(bytes, path);
    return statesInput ? { ...weights, input: recipe.input } : weights;
  }
  if (init === undefined) return undefined;
  const weights = await readInitialWeights(init);
  const { backbone } = componentsOf(recipe, extensions);
  return { ...weights, parameters: withPresentNames(weights.parameters, backbone) };
}

/** Fills the trainer's parameters from a model, and warns of a classifier that does not know the people. */
export async function initialise(trainer: Trainer, given: Weights, options: StartOptions): Promise<InitReport> {
  const { init = '', initRows = 'by-name', onWarning, onCentring, threads } = options;
  const { specs, dataset, recipe } = trainer;
  const values = dataOf((await trainer.state()).valueTensors());
  const target = { specs, values, identities: dataset.identities, firstRow: trainer.rows.first };
  const report = initializeFrom(target, given, initRows, init);
  await trainer.changeState((store) => store.setValues(values));
  await trainer.renormalise();
  if (initRows === 'fresh') {
    if (recipe.start === 'model') {
      onWarning?.(
        '--init-rows fresh: the classifier starts at random, and a short fine-tune may not recover from that',
      );
    }
    return report;
  }
  const { rows } = report;
  if (rows?.matched.length === 0) {
    onWarning?.(
      `none of the ${rows.fresh.length} identities of the data is among the ${rows.leftBehind.length} of ${init}: no row of its classifier was copied`,
    );
  } else if (rows !== undefined) {
    const { images, recognised, byChance } = await checkRows(trainer, rows.matched, threads);
    if (byChance) {
      onWarning?.(
        `the ${rows.matched.length} rows copied from ${init} recognise ${recognised} of ${images} images of their people, no more than by chance: ` +
          'if other people have the same names there, give --init-rows fresh',
      );
    }
  }
  const newcomers = rows?.fresh ?? dataset.identities;
  if (newcomers.length === 0) return report;
  return { ...report, centred: await centreRows(trainer, newcomers, { threads, onProgress: onCentring }) };
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
  const own = (options.statedInput ?? ownInput(recipe.input)).alignment;
  return agreedAlignment(recipe.input, {
    ...(own === undefined ? {} : { recipe: own }),
    ...(given?.input === undefined ? {} : { start: { name: init!, alignment: given.input.alignment } }),
    ...dataAlignment(opened, data, recipe),
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
    ...dataAlignment(opened, data, recipe),
  });
  if (!sameAlignment(agreed.alignment, recipe.input.alignment)) {
    onWarning?.(
      `version 0.1 took the crops to be aligned by ${describeAlignment(recipe.input.alignment)}; they state ${describeAlignment(agreed.alignment)}, and the run now says so`,
    );
  }
  return agreed;
}

function dataAlignment({ alignment }: OpenedSource, name: string, { data: { fit } }: Recipe) {
  return alignment === undefined ? {} : { data: { name, alignment, fit } };
}

export function withAlignment(recipe: Recipe, { alignment }: RunAlignment): Recipe {
  return sameAlignment(recipe.input.alignment, alignment)
    ? recipe
    : { ...recipe, input: { ...recipe.input, alignment: { ...alignment } } };
}

type Run = Awaited<ReturnType<typeof readRun>>;

/** Opens the data of a run that goes on. */
export async function openData(path: string, recorded: string): Promise<OpenedSource> {
  if (path === recorded && !(await exists(path))) {
    throw new UsageError(`The run's data are no longer at ${path}.`, {
      next: 'give their new place: sphereface train --resume RUN --data DATA',
    });
  }
  return openImageSource(path);
}

/** The data of a run that goes on, people who are held out included: its classes in the order of the checkpoint's rows, its images in their own. */
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
      // A checkpoint does not know of people who are held out.
      const classes = recipe.validation === null ? (checkpoint.identities ?? record.identities) : record.identities;
      const dataset = datasetOf(opened, recipe.data, { classes });
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
