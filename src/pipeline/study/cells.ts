// The cells of a study: an arm with a seed, known by the content of all that decides its result, so that a finished one is found again
// under whatever name.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../../common/errors.js';
import { isRecord } from '../../common/json.js';
import type { InputSpec } from '../../images/index.js';
import { loadStatedRecipe, parseRecipe, type Recipe } from '../../training/index.js';
import { type Arm, armsOf, type Question, questionsOf } from './arms.js';
import type { StudyData } from './data.js';
import type { StudyDefinition } from './schema.js';

/** One run of a study and what comes of it. */
export interface Cell {
  /** Digest of the recipe, the data and the start: what decides the result. */
  readonly key: string;
  /** `ARM/SEED`. Of cells with the same key each has its name; they share a folder. */
  readonly name: string;
  readonly arm: string;
  readonly seed: number;
  readonly recipe: Recipe;
  /** What of its input the recipe states; the rest is left to the data and to the start. */
  readonly statedInput: Partial<InputSpec>;
  /** What it is a fine-tune of: another cell, or a model. */
  readonly start: Cell | string | undefined;
  readonly folder: string;
}

/** All that is to be done. */
export interface StudyPlan {
  readonly definition: StudyDefinition;
  readonly data: StudyData;
  readonly arms: readonly Arm[];
  readonly questions: readonly Question[];
  /** Seed by seed, so that what is finished at any moment can be compared; starts before what starts from them. */
  readonly cells: readonly Cell[];
}

/** Works out the cells of a study in a folder. @throws UsageError for recipes that are not right. */
export async function planStudy(definition: StudyDefinition, data: StudyData, folder: string): Promise<StudyPlan> {
  const arms = armsOf(definition);
  const questions = questionsOf(definition, arms);
  const byName = new Map(arms.map((arm) => [arm.name, arm]));
  const recipeOf = remembered((arm: Arm) => recipeOfArm(arm));
  const digest = remembered(digestOfStart);
  const made = new Map<string, Promise<Cell>>();
  const cellOf = (arm: Arm, seed: number): Promise<Cell> => {
    const name = `${arm.name}/${seed}`;
    const known = made.get(name) ?? makeCell(arm, seed, name);
    made.set(name, known);
    return known;
  };
  const makeCell = async (arm: Arm, seed: number, name: string): Promise<Cell> => {
    const { recipe: common, statedInput } = await recipeOf(arm);
    const recipe = { ...common, seed };
    const start = arm.from === undefined ? arm.init : await cellOf(byName.get(arm.from.arm)!, arm.from.seed ?? seed);
    if (recipe.start === 'model' && start === undefined) {
      throw new UsageError(`The arm ${arm.name} is a fine-tune (${arm.recipe}) without a start.`, {
        next: 'say from: ARM, init: MODEL, or set start=scratch',
      });
    }
    const content = {
      recipe: essenceOf(recipe),
      statedInput,
      data: data.training.key,
      start: start === undefined ? null : typeof start === 'string' ? await digest(start) : start.key,
    };
    const key = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
    return { key, name, arm: arm.name, seed, recipe, statedInput, start, folder: join(folder, 'cells', key) };
  };
  const seeds = [...new Set(arms.flatMap((arm) => arm.seeds))];
  const cells = new Set<Cell>();
  const add = (cell: Cell): void => {
    if (typeof cell.start === 'object') add(cell.start);
    cells.add(cell);
  };
  for (const seed of seeds) {
    for (const arm of arms) if (arm.seeds.includes(seed)) add(await cellOf(arm, seed));
  }
  return { definition, data, arms, questions, cells: [...cells] };
}

/** A function that works out each answer once. */
function remembered<K, T>(work: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const known = new Map<K, Promise<T>>();
  return (key) => {
    const answer = known.get(key) ?? work(key);
    known.set(key, answer);
    return answer;
  };
}

async function recipeOfArm(arm: Arm) {
  const stated = await loadStatedRecipe(arm.recipe, [...arm.settings, 'log.keep=1']);
  const { log, solver } = stated.recipe;
  const snapshots = log.snapshots ?? Math.ceil(solver.iterations / arm.snapshots);
  return { ...stated, recipe: { ...stated.recipe, log: { ...log, snapshots } } };
}

const usualRecipe = parseRecipe({});

/** What of a recipe decides the result, without what has its default: an option that a later version adds leaves finished cells valid. */
function essenceOf({ name: _, description: __, ...recipe }: Recipe): unknown {
  const { display: _display, checkpoint: _checkpoint, keep: _keep, ...log } = recipe.log;
  const { cacheMegabytes: _cache, prefetch: _prefetch, ...data } = recipe.data;
  return withoutDefaults({ ...recipe, log, data }, usualRecipe);
}

function withoutDefaults(value: unknown, usual: unknown): unknown {
  if (!isRecord(value) || !isRecord(usual)) return value;
  if (value.type !== usual.type || value.form !== usual.form) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field, own]) => !isDeepStrictEqual(own, usual[field]))
      .map(([field, own]): [string, unknown] => [field, withoutDefaults(own, usual[field])])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** A model's bytes; of a run, its model's. */
async function digestOfStart(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const file = found?.isDirectory() === true ? join(path, 'model.onnx') : path;
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new UsageError(`There is no model at ${path} to start from.`, {
      expected: 'an .onnx or .safetensors file, or the folder of a finished run',
      cause,
    });
  });
  return createHash('sha256').update(bytes).digest('hex');
}
