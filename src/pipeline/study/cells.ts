// The cells of a study: an arm with a seed, known by the content of all that decides its result, so that a finished one is found again
// under whatever name.
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { digestOf } from '../../common/digest.js';
import { isRecord } from '../../common/json.js';
import type { InputSpec } from '../../images/index.js';
import { parseRecipe, type Recipe } from '../../training/index.js';
import type { Arm, Question } from './arms.js';
import type { StudyData } from './data.js';
import type { StudyOutline } from './outline.js';
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

/** Works out the cells of a study in a folder. */
export function planStudy(outline: StudyOutline, data: StudyData, folder: string): StudyPlan {
  const { definition, arms, questions, recipes, starts } = outline;
  const byName = new Map(arms.map((arm) => [arm.name, arm]));
  const made = new Map<string, Cell>();
  const cellOf = (arm: Arm, seed: number): Cell => {
    const name = `${arm.name}/${seed}`;
    const known = made.get(name) ?? makeCell(arm, seed, name);
    made.set(name, known);
    return known;
  };
  const makeCell = (arm: Arm, seed: number, name: string): Cell => {
    const { recipe: common, statedInput, opened = common } = recipes.get(arm)!;
    const recipe = { ...common, seed };
    const start = arm.from === undefined ? arm.init : cellOf(byName.get(arm.from.arm)!, arm.from.seed ?? seed);
    const content = {
      recipe: essenceOf({ ...opened, seed }),
      statedInput,
      data: data.training.key,
      start: start === undefined ? null : typeof start === 'string' ? starts.get(start) : start.key,
    };
    const key = digestOf(JSON.stringify(content)).slice(0, 16);
    return { key, name, arm: arm.name, seed, recipe, statedInput, start, folder: join(folder, 'cells', key) };
  };
  const seeds = [...new Set(arms.flatMap((arm) => arm.seeds))];
  const cells = new Set<Cell>();
  const add = (cell: Cell): void => {
    if (typeof cell.start === 'object') add(cell.start);
    cells.add(cell);
  };
  for (const seed of seeds) {
    for (const arm of arms) if (arm.seeds.includes(seed)) add(cellOf(arm, seed));
  }
  return { definition, data, arms, questions, cells: [...cells] };
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
